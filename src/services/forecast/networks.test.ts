/** Every network of the table serves as a forecaster, from the flags to the deployed graph. */
import { afterAll, describe, expect, test } from "vitest";
import { createRuntime } from "../../engine/index.ts";
import { networkNames } from "../../models/index.ts";
import { loadPredictor } from "./predictor.ts";
import { cutSamples } from "./samples.ts";
import { TrainInput } from "./schema.ts";
import { quietPorts } from "./testing/ports.ts";
import { everySample, pricesOf, walk } from "./testing/prices.ts";
import { specOf, splitSamples, trainOn } from "./train.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const set = cutSamples(pricesOf(...["A", "B"].map((symbol) => walk(symbol, 200))), {
  lookback: 12,
  horizons: [1, 3],
  which: "known",
});
const input = (changes: Partial<TrainInput>) =>
  TrainInput.parse({ data: "test", lookback: 12, horizon: [1, 3], epochs: 1, batchSize: 64, ...changes });

describe("a forecast", () => {
  test.each(networkNames)("is trained and deployed with %s", async (model) => {
    const asked = input({ model, hiddenSize: 4, numLayers: 1 });
    const ports = quietPorts();
    const trained = await trainOn(set, splitSamples(set, asked), specOf(asked, set), asked, ports, runtime);
    await trained.checkpoints.clear();
    expect(Number.isFinite(trained.fitted.history[0].validationLoss)).toBe(true);
    const predictor = await loadPredictor(runtime, trained.model, 5);
    const { forecast, quantiles } = await predictor.predict(set, everySample(set), ports.signal);
    await predictor.release();
    expect(forecast.every(Number.isFinite)).toBe(true);
    for (let row = 0; row < quantiles!.length; row += 5)
      for (let i = row + 1; i < row + 5; i++) expect(quantiles![i]).toBeGreaterThanOrEqual(quantiles![i - 1]);
  });

  test("has the sizes that were asked for, and the network's own for the rest", () => {
    const sizes = (changes: Partial<TrainInput>) => specOf(input(changes), set).sizes;
    expect(sizes({ model: "lstm", numHeads: 8 })).toEqual({ hiddenSize: 32, numLayers: 1, dropout: 0.2 });
    expect(sizes({ model: "patchTst", numHeads: 8 })).toEqual({
      hiddenSize: 32,
      numLayers: 3,
      numHeads: 8,
      patchLength: 12, // 16, but for the window
      dropout: 0.2,
    });
  });
});
