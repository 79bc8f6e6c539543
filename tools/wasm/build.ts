/**
 * `deno task wasm`: compiles the AssemblyScript files beside it to WebAssembly and writes each as base64 into the
 * module that uses it. The modules are committed: a package from JSR reads no file when it runs. A test compiles again
 * and compares.
 */

import { fromFileUrl } from "@std/path";

const COMPILER = "npm:assemblyscript@0.28.9/asc";

/** Each source and the module that it becomes. */
export const KERNELS: readonly { readonly source: string; readonly module: string }[] = [
  { source: "tools/wasm/crc32.as.ts", module: "src/format/crc32_wasm.ts" },
  { source: "tools/wasm/row_scanner.as.ts", module: "src/format/row_scanner_wasm.ts" },
  { source: "tools/wasm/mean_kernel.as.ts", module: "src/backend/mean_kernel_wasm.ts" },
];

if (import.meta.main) {
  for (const { source, module } of KERNELS) {
    await Deno.writeTextFile(pathOf(module), await compileKernel(source));
    console.log(`${source} -> ${module}`);
  }
}

/** The text of the module with the compiled `source`. */
export async function compileKernel(source: string): Promise<string> {
  const output = await Deno.makeTempFile({ suffix: ".wasm" });
  try {
    const flags = ["-O3", "--runtime", "stub", "--noAssert", "--importMemory", "--initialMemory", "1"];
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", COMPILER, pathOf(source), "-o", output, ...flags, "--enable", "simd"],
      cwd: pathOf("."),
    }).output();
    if (!success) throw new Error(`Cannot compile ${source}: ${new TextDecoder().decode(stderr)}`);
    const lines = (await Deno.readFile(output)).toBase64().match(/.{1,100}/g) ?? [];
    return `/** Compiled from ${source} by \`deno task wasm\`; base64. */\n` +
      `export const WASM: string = [\n${lines.map((line) => `  "${line}",\n`).join("")}].join("");\n`;
  } finally {
    await Deno.remove(output);
  }
}

function pathOf(path: string): string {
  return fromFileUrl(new URL(`../../${path}`, import.meta.url));
}
