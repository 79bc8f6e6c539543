/** What a Deno process printed, and whether it ended well. */
export interface DenoOutput {
  readonly success: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs this Deno with plain output, and without a proxy for the loopback registry. */
export async function runDeno(
  args: readonly string[],
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Promise<DenoOutput> {
  const noProxy = [Deno.env.get("NO_PROXY"), "127.0.0.1"].filter(Boolean).join(",");
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: options.cwd,
    env: { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", RUST_BACKTRACE: "0", NO_PROXY: noProxy, ...options.env },
    stdin: "null",
  }).output();
  return { success, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}
