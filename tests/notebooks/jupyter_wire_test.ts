import { assertEquals, assertThrows } from "@std/assert";
import { decodeMessage, encodeRequest } from "../../tools/notebooks/jupyter_wire.ts";
import { KernelError } from "../../tools/notebooks/kernel_error.ts";

Deno.test("decodeMessage() reads what was signed", () => {
  const { frames } = encodeRequest("key", "session", "execute_request", { code: "1" });
  assertEquals(decodeMessage("key", frames), { type: "execute_request", parent: "", content: { code: "1" } });
});

Deno.test("decodeMessage() throws KernelError when a byte is not as it was signed, or the key is another", () => {
  const { frames } = encodeRequest("key", "session", "execute_request", { code: "1" });
  const content = frames.at(-1);
  if (content === undefined) throw new Error("There is no frame");
  const spoilt = [...frames.slice(0, -1), content.map((byte, index) => index === 9 ? byte ^ 1 : byte)];
  for (const [key, given] of [["key", spoilt], ["other", frames]] as const) {
    assertThrows(() => decodeMessage(key, given), KernelError, "spoilt a message of");
  }
});
