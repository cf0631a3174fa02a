import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import { createRuntime, evaluate, input, parametersOf, sum, traceGraph } from "../../engine/index.ts";
import { type NetworkName, type NetworkOptions, network, networkNames } from "./network.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const options: NetworkOptions = {
  lookback: 5,
  features: 3,
  outputs: 2,
  hiddenSize: 4,
  numLayers: 2,
  dropout: 0.5,
};
const x = input("x", ["batch", 5, 3]);
const feeds = (batch: number) => ({
  x: {
    dtype: "float32" as const,
    shape: [batch, 5, 3],
    data: Float32Array.from(normal(keyFrom(1), 15 * batch)),
  },
});

describe.each(networkNames)("%s", (name) => {
  const made = network(name, options, keyFrom(1));

  test("maps windows to outputs, each row by itself", async () => {
    const y = made.apply(x);
    expect(y.shape).toEqual(["batch", 2]);
    const [[one], [three]] = [await evaluate([y], feeds(1), runtime), await evaluate([y], feeds(3), runtime)];
    expect(three.shape).toEqual([3, 2]);
    for (const i of [0, 1]) expect(three.data[i]).toBeCloseTo(Number(one.data[i]), 5);
  });

  test("starts near zero, the same for the same key", async () => {
    const [y] = await evaluate([made.apply(x)], feeds(20), runtime);
    const sizes = [...(y.data as Float32Array)].map(Math.abs);
    expect(Math.max(...sizes)).toBeGreaterThan(0);
    expect(Math.max(...sizes)).toBeLessThan(0.5);
    const values = (key: number) =>
      parametersOf(network(name, options, keyFrom(key))).map(({ parameter }) => parameter.value);
    expect(values(1)).toEqual(parametersOf(made).map(({ parameter }) => parameter.value));
    expect(values(2)).not.toEqual(values(1));
  });

  test("uses every parameter that it holds", () => {
    const used = new Set(traceGraph({ y: sum(made.apply(x)) }).parameters);
    for (const { name, parameter } of parametersOf(made)) expect(used.has(parameter), name).toBe(true);
  });
});

test("has the parameters that its sizes say", () => {
  const count = (name: NetworkName) =>
    parametersOf(network(name, options, keyFrom(1))).reduce(
      (n, { parameter }) => n + parameter.value.length,
      0,
    );
  const head = 4 * 2 + 2;
  const recurrent = (gates: number) => gates * (4 * 3 + 4 * 4 + 8) + gates * (4 * 4 + 4 * 4 + 8) + head;
  expect(networkNames.map(count)).toEqual([
    recurrent(4),
    recurrent(3),
    recurrent(1),
    15 * 4 + 4 + (4 * 4 + 4) + head,
    15 * 2 + 2,
  ]);
});

test("drops between layers only in training", () => {
  const dropping = network("dense", options, keyFrom(1));
  const names = (mode: "training" | "inference") =>
    traceGraph({
      y: dropping.apply(x, { mode, seed: mode === "training" ? input("seed", [], "uint32") : null }),
    }).nodes.map((node) => node.primitive);
  expect(names("training").filter((name) => name === "randomUniform")).toHaveLength(2);
  expect(names("inference")).not.toContain("randomUniform");
});

test.each<[NetworkName, Partial<NetworkOptions>, string]>([
  ["lstm", { numLayers: 0 }, "network: expected numLayers of 1 or more, received 0"],
  ["dense", { hiddenSize: 2.5 }, "network: expected hiddenSize of 1 or more, received 2.5"],
  ["linear", { outputs: -1 }, "network: expected outputs of 1 or more, received -1"],
  ["gru", { dropout: 1 }, "dropout: expected a rate in [0, 1), received 1"],
])("refuses %s with %o", (name, wrong, message) => {
  expect(() => network(name, { ...options, ...wrong }, keyFrom(1))).toThrow(message);
});
