import { describe, expect, test } from "vitest";
import { keyFrom } from "../base/index.ts";
import {
  Conv2d,
  flopOf,
  Gru,
  gradient,
  input,
  Linear,
  Lstm,
  parametersOf,
  sum,
  type Tensor,
  traceGraph,
} from "./index.ts";

/** Operations forward, and of a whole step with the gradient by all parameters. */
function flops(model: object, y: Tensor): { forward: number; step: number } {
  const targets = parametersOf(model).map(({ parameter }) => parameter);
  const gradients = gradient(sum(y), targets).map((dx, i): [string, Tensor] => [`d${i}`, dx]);
  return {
    forward: flopOf(traceGraph({ y })),
    step: flopOf(traceGraph({ y, ...Object.fromEntries(gradients) })),
  };
}

describe("the operations of a graph", () => {
  test("are those of a dense network's products", () => {
    // 2-3-1, batch 5: products of 2*5*2*3 = 60 and 2*5*3*1 = 30; the first has no gradient of its input.
    const [a, b] = [new Linear(2, 3, keyFrom(1)), new Linear(3, 1, keyFrom(2))];
    const y = b.apply(a.apply(input("x", [5, 2])));
    expect(flops({ a, b }, y)).toEqual({ forward: 60 + 30, step: 2 * 60 + 3 * 30 });
  });

  test("are those of a recurrent network's products", () => {
    // One step, batch 1, 2 features, 3 units, 4 gates: 2*4*3*2 = 48 for x, 2*4*3*3 = 72 for h.
    const lstm = new Lstm(2, 3, keyFrom(1));
    const x = input("x", [1, 1, 2]);
    expect(flops(lstm, lstm.run(x).last)).toEqual({ forward: 48 + 72, step: 2 * 48 + 3 * 72 });
    const gru = new Gru(2, 3, keyFrom(1));
    expect(flops(gru, gru.run(x).last)).toEqual({ forward: 36 + 54, step: 2 * 36 + 3 * 54 });
    // Two layers: the upper one hands a gradient down, which the lower one's data does not need.
    const upper = new Lstm(3, 3, keyFrom(2));
    const y = upper.run(lstm.apply(x)).last;
    expect(flops({ lstm, upper }, y).step).toBe(2 * 48 + 3 * 72 + 3 * 72 + 3 * 72);
  });

  test("are those of a convolution's products", () => {
    // 3 kernels of 2x2 over 1 channel, at 2*3 positions of 2 samples: 2 * (2*6) * (3*1*4) = 288.
    const layer = new Conv2d(1, 3, 2, {}, keyFrom(1));
    expect(flops(layer, layer.apply(input("x", [2, 1, 3, 4])))).toEqual({ forward: 288, step: 2 * 288 });
  });

  test("count one sample where the batch is open", () => {
    const layer = new Linear(4, 5, keyFrom(1));
    expect(flopOf(traceGraph({ y: layer.apply(input("x", ["batch", 4])) }))).toBe(2 * 4 * 5);
  });
});
