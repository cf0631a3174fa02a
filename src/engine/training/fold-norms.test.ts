import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import {
  add,
  constant,
  createRuntime,
  evaluate,
  gradient,
  input,
  LayerNorm,
  Linear,
  matmul,
  mul,
  parameter,
  parametersOf,
  reshape,
  square,
  sum,
  type Tensor,
  traceGraph,
} from "../index.ts";
import { withFoldedNorms } from "./fold-norms.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const random = (seed: number, shape: readonly number[], mean = 0) =>
  normal(
    keyFrom(seed),
    shape.reduce((a, b) => a * b, 1),
    mean,
  );

/** A norm and a dense layer with scale, shift and bias that are not what they begin with. */
function norm(features: number): LayerNorm {
  const layer = new LayerNorm(features, { epsilon: 1e-2 });
  return Object.assign(layer, {
    scale: parameter({ shape: [features], data: Float32Array.from(random(1, [features], 1)) }),
    shift: parameter({ shape: [features], data: Float32Array.from(random(2, [features])) }),
  });
}
const x = parameter({ shape: [40, 6], data: Float32Array.from(random(3, [40, 6], 2)) });
const primitives = (...tensors: Tensor[]) =>
  traceGraph(Object.fromEntries(tensors.map((tensor, i) => [String(i), tensor]))).nodes.map(
    ({ primitive }) => primitive,
  );
const isFolded = (tensor: Tensor) => primitives(...withFoldedNorms([tensor])).includes("standardize");

async function expectAlike(all: readonly Tensor[], others: readonly Tensor[]): Promise<void> {
  const values = await evaluate([...all, ...others], {}, runtime);
  for (const [i, tensor] of all.entries()) {
    const [one, other] = [values[i], values[all.length + i]].map(({ data }) =>
      Array.from(data as Float32Array),
    );
    expect(others[i].shape).toEqual(tensor.shape);
    const largest = Math.max(...one.map(Math.abs));
    for (const [k, value] of one.entries()) expect(Math.abs(value - other[k])).toBeLessThan(1e-5 * largest);
  }
}

describe("a layer norm in front of a dense layer", () => {
  const plain = new Linear(6, 4, keyFrom(4));
  const square4 = parameter({ shape: [6, 4], data: Float32Array.from(random(5, [6, 4])) });
  const first = norm(6);
  const cases: Record<string, (x: Tensor) => Tensor> = {
    "as a layer": (rows) => plain.apply(first.apply(rows)),
    "of sequences": (rows) => plain.apply(first.apply(reshape(rows, [8, 5, 6]))),
    "with weights the other way round and no bias": (rows) => matmul(first.apply(rows), square4),
    "after another one": (rows) =>
      plain.apply(
        first.apply(add(rows, matmul(norm(6).apply(rows), matmul(square4, square4, { transposeB: true })))),
      ),
  };

  test.each(Object.keys(cases))("%s gives the same values and gradients, folded", async (name) => {
    const y = cases[name](x);
    const weights = constant(random(6, y.shape as number[]), y.shape as number[]);
    const loss = sum(mul(square(y), weights));
    const [folded] = withFoldedNorms([loss]);
    expect(primitives(folded)).toContain("standardize");
    expect(primitives(folded)).not.toContain("layerNorm");
    const all = parametersOf({ x, plain, first, square4 }).map(({ parameter: one }) => one);
    const learned = all.filter((one) => traceGraph({ loss }).parameters.includes(one));
    await expectAlike([loss, ...gradient(loss, learned)], [folded, ...gradient(folded, learned)]);
  });

  test("has the same second derivative, as a gradient penalty asks for it", async () => {
    const penalty = (loss: Tensor) => sum(square(gradient(loss, [x])[0]));
    const loss = sum(square(cases["as a layer"](x)));
    const [folded] = withFoldedNorms([loss]);
    const learned = [x, first.scale, plain.weight];
    await expectAlike(gradient(penalty(loss), learned), gradient(penalty(folded), learned));
  });

  test("is left alone where it would not gain, or where something else reads it", () => {
    const wide = new Linear(6, 20, keyFrom(7));
    const y = first.apply(x);
    expect(isFolded(sum(plain.apply(y)))).toBe(true);
    expect(isFolded(sum(wide.apply(y)))).toBe(false);
    expect(isFolded(add(sum(plain.apply(y)), sum(y)))).toBe(false);
    expect(isFolded(sum(add(plain.apply(y), plain.apply(y))))).toBe(false);
    expect(isFolded(sum(matmul(y, plain.apply(y), { transposeA: true })))).toBe(false);
    expect(isFolded(sum(plain.apply(first.apply(input("x", ["batch", 6])))))).toBe(false);
  });

  test("leaves what depends on none as it is", () => {
    const loss = sum(plain.apply(x));
    expect(withFoldedNorms([loss, x])).toEqual([loss, x]);
    expect(withFoldedNorms([loss])[0]).toBe(loss);
  });
});
