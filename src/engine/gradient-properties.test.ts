/** Gradients against central differences over random shapes, a second time through themselves, and at the edges of shapes. */
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import {
  add,
  concat,
  constant,
  conv,
  createRuntime,
  cumulativeSum,
  div,
  einsum,
  evaluate,
  flatten,
  flip,
  gather,
  gradient,
  input,
  layerNormalize,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  mul,
  type Padding,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  topK,
  traceGraph,
  transpose,
} from "./index.ts";
import { staticSize } from "./shape.ts";
import { checkGradient, type GradientCase } from "./testing/central-differences.ts";
import { gradientCases } from "./testing/gradient-cases.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const size = fc.integer({ min: 1, max: 4 });
const shape = (minLength: number, maxLength: number) => fc.array(size, { minLength, maxLength });
/** A shape, one of its axes, and a number to choose by. */
const axisOf = (minLength: number) =>
  shape(minLength, 3).chain((sizes) =>
    fc.record({
      sizes: fc.constant(sizes),
      axis: fc.integer({ min: 0, max: sizes.length - 1 }),
      choice: fc.nat(1000),
    }),
  );
/** A shape and another one that stretches to it. */
const broadcastPair = shape(1, 3).chain((sizes) =>
  fc
    .tuple(fc.integer({ min: 0, max: sizes.length }), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }))
    .map(([cut, ones]) => [sizes, sizes.slice(cut).map((d, i) => (ones[i] ? 1 : d))] as const),
);

const random: Readonly<Record<string, fc.Arbitrary<GradientCase>>> = {
  "arithmetic that broadcasts": fc
    .tuple(broadcastPair, fc.constantFrom(add, sub, mul, maximum), fc.boolean())
    .map(([[a, b], of, turned]) => ({ shapes: turned ? [b, a] : [a, b], of })),
  "division that broadcasts": broadcastPair.map(([a, b]) => ({ shapes: [a, b], of: div, range: [0.5, 2] })),
  reductions: fc
    .tuple(axisOf(1), fc.constantFrom(sum, max, mean), fc.boolean())
    .map(([{ sizes, axis }, reduce, keepDims]) => ({
      shapes: [sizes],
      of: (x) => mul(reduce(x, axis, { keepDims }), 1.5),
    })),
  "softmax and its logarithm": fc
    .tuple(axisOf(1), fc.constantFrom(softmax, logSoftmax))
    .map(([{ sizes, axis }, of]) => ({ shapes: [sizes], of: (x) => of(x, axis) })),
  "running sums, turns and slices": axisOf(1).map(({ sizes, axis, choice }) => ({
    shapes: [sizes],
    of: (x) => {
      const part = slice(flip(x, axis), axis, choice % sizes[axis]);
      return mul(cumulativeSum(part, axis), part);
    },
  })),
  "the largest values": axisOf(1).map(({ sizes, axis, choice }) => ({
    shapes: [sizes],
    of: (x) => topK(x, 1 + (choice % sizes[axis]), axis).values,
  })),
  "axes in another order": fc
    .tuple(shape(3, 3), fc.shuffledSubarray([0, 1, 2], { minLength: 3 }))
    .map(([sizes, order]) => ({ shapes: [sizes], of: (x) => mul(transpose(x, order), transpose(x, order)) })),
  "joined parts": fc.tuple(axisOf(1), size).map(([{ sizes, axis }, other]) => ({
    shapes: [sizes, sizes.map((d, i) => (i === axis ? other : d))],
    of: (a, b) => concat([a, mul(b, b), a], axis),
  })),
  "gathered slices": axisOf(2).chain(({ sizes, axis }) =>
    fc.array(fc.nat(sizes[axis] - 1), { minLength: 1, maxLength: 4 }).map((rows) => ({
      shapes: [sizes],
      of: (x) => gather(mul(x, x), constant(rows, [rows.length], "int64"), axis),
    })),
  ),
  "matrix products": fc
    .record({ batch: shape(0, 2), n: size, k: size, m: size, turnA: fc.boolean(), turnB: fc.boolean() })
    .map(({ batch, n, k, m, turnA, turnB }) => ({
      shapes: [[...batch, ...(turnA ? [k, n] : [n, k])], turnB ? [m, k] : [k, m], [m]],
      of: (a, b, bias) => matmul(a, b, { transposeA: turnA, transposeB: turnB, bias }),
    })),
  "layer norms": fc.tuple(shape(1, 2), fc.integer({ min: 2, max: 4 })).map(([outer, features]) => ({
    shapes: [[...outer, features], [features], [features]],
    of: (x, scale, shift) => layerNormalize(x, scale, shift, 0.1),
  })),
  convolutions: fc
    .record({
      spatial: fc.array(fc.integer({ min: 3, max: 6 }), { minLength: 1, maxLength: 2 }),
      kernel: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 2 }),
      batch: fc.integer({ min: 1, max: 2 }),
      groups: fc.integer({ min: 1, max: 2 }),
      inEach: fc.integer({ min: 1, max: 2 }),
      outEach: fc.integer({ min: 1, max: 2 }),
      stride: fc.integer({ min: 1, max: 3 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      padding: fc.constantFrom<Padding>("same", "causal", 2, [[2, 1], 1]),
    })
    .map(({ spatial, kernel, batch, groups, inEach, outEach, stride, dilation, padding }) => ({
      linear: true,
      shapes: [
        [batch, groups * inEach, ...spatial],
        [groups * outEach, inEach, ...kernel.slice(0, spatial.length)],
        [groups * outEach],
      ],
      of: (x, weight, bias) => conv(x, weight, { bias, stride, dilation, padding, groups }),
    })),
};

describe("over random shapes, central differences agree for", () => {
  test.each(Object.entries(random))("%s", async (_, cases) => {
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 1000 }), (one, seed) =>
        checkGradient(runtime, one, seed),
      ),
      { numRuns: 20 },
    );
  });
});

describe("a gradient penalty can be differentiated through", () => {
  // Recurrent layers have no second derivative; rounding and order have none worth the name; linear cases are float32.
  const once = new Set(["lstm", "gru", "rnn", "topK"]);
  const names = Object.entries(gradientCases).filter(
    ([name, list]) => !once.has(name) && !list.some(({ linear }) => linear),
  );
  test.each(names)("%s", async (_, list) => {
    for (const [i, { of, ...one }] of list.entries()) {
      await checkGradient(
        runtime,
        {
          ...one,
          of: (...inputs) => {
            const y = of(...inputs);
            const parts = gradient(sum(mul(y, y)), inputs).map(flatten);
            return mul(concat(parts), concat(parts));
          },
        },
        i + 1,
      );
    }
  });

  test("convolutions", async () => {
    // The gradient by x is linear in the weight and in what arrives, and so is its own gradient.
    await checkGradient(runtime, {
      linear: true,
      shapes: [
        [1, 2, 5],
        [3, 2, 3],
      ],
      of: (x, weight) => {
        const [dx] = gradient(sum(mul(conv(x, weight, { padding: 1 }), 2)), [x]);
        return add(dx, x);
      },
    });
  });
});

describe("an axis of no elements", () => {
  const empty = { dtype: "float32" as const, shape: [0, 3], data: new Float32Array(0) };
  const x = input("x", [0, 3]);
  const value = async (tensors: readonly Tensor[]) =>
    (await evaluate(tensors, { x: empty }, runtime)).map(({ shape: s, data }) => [s, [...data]]);

  test("sums to zero and keeps its place", async () => {
    expect(await value([sum(x), sum(x, 0), mul(x, 2), concat([x, x], 0)])).toEqual([
      [[], [0]],
      [[3], [0, 0, 0]],
      [[0, 3], []],
      [[0, 3], []],
    ]);
  });

  test("gives gradients of no elements, and zeros for what it was multiplied by", async () => {
    const w = constant([1, 2, 3], [3]);
    const [dx, dw] = gradient(sum(mul(x, w)), [x, w]);
    expect(await value([dx, dw])).toEqual([
      [[0, 3], []],
      [[3], [0, 0, 0]],
    ]);
    expect(staticSize(matmul(x, constant(new Float32Array(6), [3, 2])).shape)).toBe(0);
  });
});

describe("einsum", () => {
  const q = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
  const k = Float32Array.from({ length: 16 }, (_, i) => Math.cos(i));
  const [a, b] = [constant(q, [2, 3, 2]), constant(k, [2, 4, 2])];
  const at = (data: Float32Array, ...[x, y, z, m, n]: number[]) => data[(x * m + y) * n + z];

  test("multiplies, batches, contracts and sums as the equation says", async () => {
    const [scores, outer, total, turned] = await evaluate(
      [
        einsum("bid,bjd->bij", [a, b]),
        einsum("bid,bjd->ij", [a, b]),
        einsum("bid->b", [a]),
        einsum("bid->dib", [a]),
      ],
      {},
      runtime,
    );
    const product = (x: number, i: number, j: number) =>
      [0, 1].reduce((s, d) => s + at(q, x, i, d, 3, 2) * at(k, x, j, d, 4, 2), 0);
    expect(scores.shape).toEqual([2, 3, 4]);
    scores.data.forEach((v, place) => {
      const [x, i, j] = [Math.floor(place / 12), Math.floor(place / 4) % 3, place % 4];
      expect(v).toBeCloseTo(product(x, i, j), 5);
    });
    outer.data.forEach((v, place) => {
      const [i, j] = [Math.floor(place / 4), place % 4];
      expect(v).toBeCloseTo(product(0, i, j) + product(1, i, j), 5);
    });
    expect([...total.data].map((v) => Number(v).toFixed(4))).toEqual(
      [q.slice(0, 6), q.slice(6)].map((part) => part.reduce((s, v) => s + v, 0).toFixed(4)),
    );
    expect(turned.shape).toEqual([2, 3, 2]);
    expect(turned.data[1]).toBeCloseTo(at(q, 1, 0, 0, 3, 2), 6);
  });

  test("says what does not fit", () => {
    expect(() => einsum("ij,jk", [a, b])).toThrow('for 2 tensors, received "ij,jk"');
    expect(() => einsum("ij->i", [a])).toThrow('one letter for each axis of [2, 3, 2], received "ij"');
    expect(() => einsum("bid,bid->b", [a, b])).toThrow('"i" of one size, received 3 and 4');
    expect(() => einsum("bid->z", [a])).toThrow('no operand has the axis "z"');
  });
});

test("the gradient of a softmax before a product is that of a softmax, without a sum over all positions", async () => {
  const values = (seed: number, ...shape: number[]) =>
    constant(
      Float32Array.from({ length: staticSize(shape) }, (_, i) => Math.sin(seed + 1.7 * i)),
      shape,
    );
  const [scores, v, w] = [values(1, 2, 3, 5, 7), values(2, 2, 3, 7, 4), values(3, 2, 3, 5, 4)];
  const gradientOf = (through: (weights: Tensor) => Tensor) =>
    gradient(sum(mul(matmul(through(softmax(scores)), v), w)), [scores])[0];
  const [quick, plain] = [gradientOf((weights) => weights), gradientOf((weights) => mul(weights, 1.0000001))];
  const [received, expected] = await evaluate([quick, plain], {}, runtime);
  expect(received.data).toHaveLength(2 * 3 * 5 * 7);
  for (const [i, value] of (expected.data as Float32Array).entries())
    expect(Number(received.data[i])).toBeCloseTo(value, 5);
  const sums = (of: Tensor) =>
    traceGraph({ of }).nodes.flatMap(({ primitive, inputs }) =>
      primitive === "sum" ? [inputs[0].shape] : [],
    );
  expect(sums(quick)).toEqual([[2, 3, 5, 4]]); // features, of which there are fewer
  expect(sums(plain)).toEqual([[2, 3, 5, 7]]);
});
