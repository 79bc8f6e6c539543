/** What fit measured, as numbers: callbacks of tfjs's own class are handed tensors. `batch` and `size` are no metrics. */
export async function numbersOf(logs: unknown): Promise<Record<string, number>> {
  const numbers: Record<string, number> = {};
  if (typeof logs !== "object" || logs === null) return numbers;
  for (const [name, value] of Object.entries(logs)) {
    const number = await numberOf(value);
    if (number !== undefined && name !== "batch" && name !== "size") numbers[name] = number;
  }
  return numbers;
}

async function numberOf(value: unknown): Promise<number | undefined> {
  if (typeof value === "number") return value;
  if (typeof value !== "object" || value === null || !("data" in value) || typeof value.data !== "function") {
    return undefined;
  }
  const data: unknown = await value.data();
  const first: unknown = ArrayBuffer.isView(data) && 0 in data ? data[0] : undefined;
  return typeof first === "number" ? first : undefined;
}
