/** Most memory that this process has had at any time (Linux VmHWM), in bytes; undefined on other systems. */
export function peakMemory(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  // Deno itself would let only a program read it that may do everything.
  const { stdout } = new Deno.Command("cat", { args: [`/proc/${Deno.pid}/status`] }).outputSync();
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(new TextDecoder().decode(stdout))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
