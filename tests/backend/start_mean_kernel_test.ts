import { assertEquals } from "@std/assert";

Deno.test("startMeanKernel() compiles the kernel once, for means and for the division", async () => {
  const { Module } = WebAssembly;
  let compiled = 0;
  WebAssembly.Module = new Proxy(Module, {
    construct(target, args: [BufferSource]) {
      compiled++;
      return new target(...args);
    },
  });
  try {
    const { MeanKernel } = await import("../../src/backend/mean_kernel.ts");
    const { divideSum } = await import("../../src/backend/divide_sum.ts");
    const into = new Uint8Array(16);
    const [ones, threes] = [1, 3].map((each) => new Uint8Array(new Float32Array(4).fill(each).buffer));
    new MeanKernel().mean("Float32", [ones ?? into, threes ?? into], into, () => {});
    assertEquals([...new Float32Array(into.buffer)], [2, 2, 2, 2]);
    divideSum(into, 2, into);
    assertEquals([...new Float32Array(into.buffer)], [1, 1, 1, 1]);
    assertEquals(compiled, 1);
  } finally {
    WebAssembly.Module = Module;
  }
});
