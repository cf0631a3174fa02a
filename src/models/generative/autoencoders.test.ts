import { afterAll, expect, test } from "vitest";
import { keyFrom, normal } from "../../base/index.ts";
import {
  createRuntime,
  evaluate,
  inference,
  input,
  mean,
  parametersOf,
  square,
  sub,
  traceGraph,
} from "../../engine/index.ts";
import { Autoencoder } from "./autoencoder.ts";
import { Vae, vaeLoss } from "./vae.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const key = keyFrom(1);

test("a denoising autoencoder adds noise in training only", async () => {
  const model = new Autoencoder({ features: 6, hiddenSizes: [8], latentSize: 2, noise: 0.5 }, key);
  const x = input("x", [32, 6]);
  const seed = input("seed", [], "uint32");
  const [clean, noisy] = [model.apply(x, inference), model.apply(x, { mode: "training", seed })];
  const feeds = {
    x: { dtype: "float32" as const, shape: [32, 6], data: Float32Array.from(normal(key, 32 * 6)) },
    seed: { dtype: "uint32" as const, shape: [], data: Uint32Array.of(1) },
  };
  const apart = mean(square(sub(clean, noisy)));
  expect(traceGraph({ clean }).inputs).toEqual([x]);
  expect(Number((await evaluate([apart], feeds, runtime))[0].data[0])).toBeGreaterThan(1e-4);
});

test("a vae's loss is the surprise and the distance from the standard normal distribution", async () => {
  const model = new Vae({ features: 1, hiddenSize: 1, latentSize: 1 }, key);
  for (const { parameter } of parametersOf(model)) parameter.value.fill(0);
  model.encoder.layers[1].bias.value.set([2, Math.log(4)]); // mean 2, variance 4
  model.decoder.layers[1].bias.value.set([0.5]);
  const x = input("x", [1, 1]);
  const one = { x: { dtype: "float32" as const, shape: [1, 1], data: Float32Array.of(1) } };
  const divergence = 0.5 * (4 + 4 - Math.log(4) - 1);
  const values = await evaluate(
    [vaeLoss(model, x), vaeLoss(model, x, { beta: 3, likelihood: "bernoulli" })],
    one,
    runtime,
  );
  expect(Number(values[0].data[0])).toBeCloseTo(0.5 * 0.5 ** 2 + divergence, 5);
  expect(Number(values[1].data[0])).toBeCloseTo(Math.log(1 + Math.exp(-0.5)) + 3 * divergence, 5);
  expect(() => vaeLoss(model, x, { beta: -1 })).toThrow("vae: expected a beta of 0 or more, received -1");
});
