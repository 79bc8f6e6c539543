/** Most memory that this process has had at any time (Linux VmHWM), in bytes; undefined on other systems. */
export function peakMemory(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
}
