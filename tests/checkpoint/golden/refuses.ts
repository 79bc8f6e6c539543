import { assertEquals, assertRejects } from "@std/assert";
import { CheckpointError, type ErrorCode } from "@cairn/checkpoints";
import { TemporaryDirectory } from "../../store/temporary_directory.ts";

export async function inDirectory(work: (path: string) => Promise<void>): Promise<void> {
  await using directory = await TemporaryDirectory.make();
  await work(directory.path);
}

/** A CheckpointError of that code: never a plain Error. */
export async function refuses(code: ErrorCode, work: () => Promise<unknown>, message: string): Promise<void> {
  const error = await assertRejects(work, CheckpointError, message);
  assertEquals(error.code, code, error.message);
}
