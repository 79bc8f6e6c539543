import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type CapturedValue, Context, type LiveValue } from "../../src/context/mod.ts";
import { ShapeError, VariableError } from "../../src/errors.ts";
import { Tensor } from "../../src/tensor/mod.ts";
import { FakeValue } from "./fake_loader.ts";

/** A live value that is a tensor behind the Context's back. */
class FakeLive implements LiveValue {
  readonly loaded = undefined;
  readonly dtype = "Float32";
  readonly dimensions = [2];
  readonly byteLength = 8;
  readonly trainable = false;

  constructor(public now: Tensor) {}

  readSync(): Tensor {
    return this.now;
  }

  read(): Promise<Tensor> {
    return Promise.resolve(this.now);
  }

  assign(value: Tensor): void {
    this.now = new Tensor(value.dtype, value.dimensions, value.bytes.slice());
  }

  capture(): CapturedValue {
    return Object.assign(new FakeValue(this.now), { release: () => {} });
  }
}

function live(): { ctx: Context; value: FakeLive; variable: ReturnType<Context["variableWithValue"]> } {
  const ctx = new Context();
  const value = new FakeLive(Tensor.from([1, 2]));
  const variable = ctx.variableWithValue("x", [0, 0, 0]).setLive(value);
  return { ctx, value, variable };
}

Deno.test("Variable.setLive() drops the own value and takes dtype, dimensions and trainable of the live one", () => {
  const { variable, value } = live();
  assertEquals([variable.dtype, variable.dimensions, variable.trainable], ["Float32", [2], false]);
  assertStrictEquals(variable.live, value);
  assertStrictEquals(variable.source, value);
  assertEquals(variable.hasValue, true);
});

Deno.test("Variable.value() of a live value is read anew at every call", async () => {
  const { variable, value } = live();
  assertEquals(variable.value().toNested(), [1, 2]);
  value.now = Tensor.from([3, 4]);
  assertEquals(variable.value().toNested(), [3, 4]);
  assertEquals((await variable.load()).toNested(), [3, 4]);
});

Deno.test("Variable.setValue() and setLoaded() assign to a live value", () => {
  const { variable, value } = live();
  variable.setValue([5, 6]);
  assertEquals(value.now.toNested(), [5, 6]);
  variable.setLoaded(new FakeValue(Tensor.from([7, 8])));
  assertEquals(value.now.toNested(), [7, 8]);
  assertThrows(() => variable.setValue([1, 2, 3]), ShapeError, "found (Float32)[3]; wanted (Float32)[2]");
  assertThrows(() => variable.setLoaded(new FakeValue(Tensor.from([1]))), ShapeError, "wanted (Float32)[2]");
  assertEquals(value.now.toNested(), [7, 8]);
});

Deno.test("Variable.setLive() ends with undefined, deletion and finalization; reset() is refused", () => {
  const { ctx, variable } = live();
  assertThrows(() => variable.reset(), VariableError, "lives outside the Context");
  variable.setLive(undefined);
  assertEquals([variable.live, variable.hasValue], [undefined, false]);
  const deleted = live();
  deleted.ctx.deleteVariable("/", "x");
  assertEquals(deleted.variable.live, undefined);
  ctx.finalize();
});

Deno.test("Variable.cloneTo() copies what a live value is at that moment", () => {
  const { ctx, value } = live();
  const clone = ctx.clone().getVariable("x");
  value.now = Tensor.from([9, 9]);
  assertEquals(clone?.value().toNested(), [1, 2]);
  assertEquals([clone?.live, clone?.trainable], [undefined, false]);
});
