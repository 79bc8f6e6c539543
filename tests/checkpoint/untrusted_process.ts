import { CheckpointError, openCheckpoint, readUntrusted } from "../../mod.ts";

// Run by tests in a process of its own: `untrusted_process.ts DIR OPTIONS`. Prints as JSON what it got of the directory,
// or the error, and whether it could have read the directory itself.

const [dir = "", options = "{}"] = Deno.args;
const canRead = Deno.permissions.querySync({ name: "read", path: dir }).state === "granted";
try {
  await using checkpoint = await openCheckpoint(await readUntrusted(dir, JSON.parse(options)));
  const values: Record<string, unknown> = {};
  for (const { scope, name } of checkpoint.variables) {
    const path = `${scope === "/" ? "" : scope}/${name}`;
    values[path] = (await checkpoint.read(path)).toString();
  }
  console.log(JSON.stringify({ canRead, base: checkpoint.baseName, values }));
} catch (error) {
  if (!(error instanceof CheckpointError)) throw error;
  console.log(JSON.stringify({ canRead, code: error.code, message: error.message }));
}
