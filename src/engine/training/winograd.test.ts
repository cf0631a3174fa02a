import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import {
  Conv2d,
  constant,
  conv,
  createRuntime,
  evaluate,
  gradient,
  input,
  maxPool,
  mean,
  mul,
  parameter,
  relu,
  sum,
  type Tensor,
  traceGraph,
} from "../index.ts";
import { winogradConv, withFewerProducts } from "./winograd.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const random = (seed: number, shape: readonly number[]) =>
  constant(
    normal(
      keyFrom(seed),
      shape.reduce((a, b) => a * b, 1),
    ),
    shape,
  );

/** The largest difference, over the largest value. */
async function difference(a: Tensor, b: Tensor): Promise<number> {
  expect(b.shape).toEqual(a.shape);
  const [one, other] = await evaluate([a, b], {}, runtime);
  const values = Array.from(one.data as Float32Array);
  const largest = Math.max(...values.map(Math.abs));
  return Math.max(...values.map((value, i) => Math.abs(value - Number(other.data[i])))) / (largest || 1);
}

const kernels = (shape: readonly number[]) => {
  const graph = traceGraph({ y: withFewerProducts([sum(netOf(shape))])[0] });
  return graph.nodes.flatMap(({ primitive, inputs }) =>
    primitive === "conv" ? [inputs[1].shape.at(-1)] : [],
  );
};

/** Two convolutions of a network: of one channel, which stays, and of many. */
function netOf([batch, channels, height, width]: readonly number[]): Tensor {
  const first = new Conv2d(1, channels, [5, 3], { padding: "same" }, keyFrom(1));
  const second = new Conv2d(channels, 128, [5, 3], { padding: "same" }, keyFrom(2));
  const x = random(3, [batch, 1, height, width]);
  return second.apply(maxPool(relu(first.apply(x)), [2, 1]));
}

describe("convolutions with fewer products", () => {
  const cases = fc.record({
    axes: fc.integer({ min: 1, max: 2 }),
    channels: fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 20 })),
    width: fc.integer({ min: 3, max: 23 }),
    padding: fc.tuple(fc.nat(2), fc.nat(2)),
    other: fc.record({
      size: fc.integer({ min: 5, max: 8 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 2 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      pad: fc.nat(2),
    }),
    hasBias: fc.boolean(),
    seed: fc.nat(1_000_000),
  });

  test("have the values and gradients of a convolution, whatever its shape", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ axes, channels, width, padding, other, hasBias, seed }) => {
        const flat = axes === 1;
        const [inChannels, out] = channels;
        const x = random(seed, [2, inChannels, ...(flat ? [] : [other.size]), width]);
        const weight = random(seed + 1, [out, inChannels, ...(flat ? [] : [other.kernel]), 3]);
        const inputs = [x, weight, ...(hasBias ? [random(seed + 2, [out])] : [])];
        const window = {
          strides: [...(flat ? [] : [other.stride]), 1],
          dilations: [...(flat ? [] : [other.dilation]), 1],
          padding: [...(flat ? [] : [[other.pad, other.pad] as const]), padding],
        };
        const plain = conv(x, weight, {
          stride: window.strides,
          dilation: window.dilations,
          padding: window.padding,
          ...(hasBias ? { bias: inputs[2] } : {}),
        });
        const quick = winogradConv(inputs, window);
        expect(await difference(plain, quick)).toBeLessThan(1e-5);
        const dy = random(seed + 3, plain.shape.map(Number));
        const [expected, received] = [plain, quick].map((y) => gradient(sum(mul(y, dy)), inputs));
        for (const [i, one] of expected.entries())
          expect(await difference(one, received[i])).toBeLessThan(1e-5);
      }),
      { numRuns: 60 },
    );
  });

  test("round little more than a convolution over many channels", async () => {
    const x = random(1, [1, 256, 8, 60]);
    const weight = random(2, [64, 256, 5, 3]);
    const window = {
      strides: [1, 1],
      dilations: [1, 1],
      padding: [
        [2, 2],
        [1, 1],
      ] as const,
    };
    const rounding = await difference(
      conv(x, weight, { padding: "same" }),
      winogradConv([x, weight], window),
    );
    expect(rounding).toBeGreaterThan(0);
    expect(rounding).toBeLessThan(4e-6);
  });

  test("replace a convolution of many channels, and leave a small one and a broad one alone", () => {
    expect(kernels([2, 64, 16, 60])).toEqual([3, ...Array(6).fill(1)]);
    expect(kernels([2, 4, 16, 60])).toEqual([3, 3]);
    expect(kernels([2, 64, 16, 2000])).toEqual([3, 3]);
  });

  test("leave what depends on no convolution as it is", () => {
    const weight = parameter({ shape: [3], data: new Float32Array(3) });
    const loss = mean(mul(weight, input("x", [3])));
    expect(withFewerProducts([loss, weight])).toEqual([loss, weight]);
    expect(withFewerProducts([loss])[0]).toBe(loss);
  });

  test("are computed once for several results", () => {
    const y = netOf([2, 64, 16, 60]);
    const [a, b] = withFewerProducts([sum(y), mean(y)]);
    const { nodes } = traceGraph({ a, b });
    expect(nodes.filter(({ primitive }) => primitive === "conv")).toHaveLength(7);
  });
});
