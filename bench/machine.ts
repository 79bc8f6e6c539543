/** The machine that everything is measured on, and the file system of `root`. */
export async function machineText(root: string): Promise<string> {
  const cpu = Deno.build.os === "linux"
    ? /^model name\s*:\s*(.+)$/m.exec(await Deno.readTextFile("/proc/cpuinfo"))?.[1]
    : undefined;
  const memory = (Deno.systemMemoryInfo().total / 2 ** 30).toFixed(0);
  const { success, stdout } = await new Deno.Command("df", { args: ["--output=fstype", root], stderr: "null" })
    .output();
  const fileSystem = success ? new TextDecoder().decode(stdout).trim().split("\n").at(-1) : "unknown";
  return `${navigator.hardwareConcurrency} × ${
    cpu ?? Deno.build.arch
  }, ${memory} GiB, ${Deno.build.os} ${Deno.osRelease()}, ` +
    `file system ${fileSystem}`;
}

/** The load average. */
export function loadText(): string {
  return Deno.loadavg().map((load) => load.toFixed(2)).join(", ");
}
