/** Nothing from the future: what is known at a time decides all that is said at it, and fitting never sees the test part. */
import { afterAll, describe, expect, test } from "vitest";
import { createRuntime } from "../../engine/index.ts";
import { loadPredictor } from "./predictor.ts";
import { cutSamples } from "./samples.ts";
import { TrainInput } from "./schema.ts";
import { quietPorts } from "./testing/ports.ts";
import { altered, everySample, pricesOf, walk } from "./testing/prices.ts";
import { specOf, splitSamples, trainOn } from "./train.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

const bars = 220;
const series = ["A", "B", "C"].map((symbol) => walk(symbol, bars));
const input = (changes: Partial<TrainInput> = {}) =>
  TrainInput.parse({
    data: "test",
    lookback: 5,
    horizon: [1, 3],
    epochs: 2,
    hiddenSize: 3,
    batchSize: 64,
    ...changes,
  });

async function trained(prices: typeof series, changes: Partial<TrainInput> = {}) {
  const asked = input(changes);
  const set = cutSamples(pricesOf(...prices), { lookback: 5, horizons: asked.horizon, which: "known" });
  const split = splitSamples(set, asked);
  const model = await trainOn(set, split, specOf(asked, set), asked, quietPorts(), runtime);
  await model.checkpoints.clear();
  return { set, split, model };
}

describe.each(["log-return", "direction", "volatility", "level"] as const)("training for a %s", (target) => {
  test("gives the same model, bit for bit, whatever happens in the test part", async () => {
    const own = await trained(series, { target });
    const firstTest = bars - own.split.test.length / series.length - 3; // the farthest outcome is 3 bars ahead
    const changed = series.map((one) => altered(one, Math.ceil(firstTest), (i) => (i % 2 === 0 ? 3 : 0.2)));
    const other = await trained(changed, { target });
    expect(other.set.frame.values).not.toEqual(own.set.frame.values);
    expect(other.model.forecaster.normalisation).toEqual(own.model.forecaster.normalisation);
    expect(other.model.shrinkage).toEqual(own.model.shrinkage);
    expect(other.model.facts).toEqual(own.model.facts);
    expect(other.model.penalty).toBe(own.model.penalty);
    expect(other.model.fitted.history).toEqual(own.model.fitted.history);
    expect(Buffer.from(other.model.model).equals(Buffer.from(own.model.model))).toBe(true);
    expect(Buffer.from(other.model.linear).equals(Buffer.from(own.model.linear))).toBe(true);
  });

  test("does depend on the training part", async () => {
    const own = await trained(series, { target });
    const other = await trained(
      series.map((one) => altered(one, 20, (i) => (i < 25 ? 1.02 : 1))),
      { target },
    );
    expect(Buffer.from(other.model.model).equals(Buffer.from(own.model.model))).toBe(false);
  });
});

test("no outcome of training reaches into validation, and none of validation into the test part", async () => {
  const set = cutSamples(pricesOf(...series), { lookback: 5, horizons: [1, 3], which: "known" });
  const { train, validation, test: judged } = splitSamples(set, input({ embargoDays: 2 }));
  const { asOf, labelTime } = set.windows;
  const day = 86_400_000;
  const lastLabel = (samples: Int32Array) => Math.max(...[...samples].map((i) => labelTime[i]));
  const firstKnown = (samples: Int32Array) => Math.min(...[...samples].map((i) => asOf[i]));
  expect(firstKnown(validation) - lastLabel(train)).toBeGreaterThan(2 * day);
  expect(firstKnown(judged) - lastLabel(validation)).toBeGreaterThan(2 * day);
});

test("a forecast does not change when the bars after it are cut off or altered", async () => {
  const { model } = await trained(series);
  const predictor = await loadPredictor(runtime, model.model, 5);
  const whole = cutSamples(pricesOf(...series), { lookback: 5, horizons: [1, 3], which: "known" });
  for (const cut of [60, 131, 200]) {
    const before = series.map((one) => ({
      ...one,
      time: one.time.slice(0, cut),
      open: (one.open as Float64Array).slice(0, cut),
      high: (one.high as Float64Array).slice(0, cut),
      low: (one.low as Float64Array).slice(0, cut),
      close: one.close.slice(0, cut),
      volume: (one.volume as Float64Array).slice(0, cut),
    }));
    const latest = cutSamples(pricesOf(...before), { lookback: 5, horizons: [1, 3], which: "latest" });
    const now = await predictor.predict(latest, everySample(latest));
    const asOf = latest.windows.asOf[0];
    const same = (set: typeof whole) => everySample(set).filter((i) => set.windows.asOf[i] === asOf);
    const later = cutSamples(pricesOf(...series.map((one) => altered(one, cut, () => 7))), {
      lookback: 5,
      horizons: [1, 3],
      which: "known",
    });
    expect(await predictor.predict(whole, same(whole))).toEqual(now);
    expect(await predictor.predict(later, same(later))).toEqual(now);
  }
  await predictor.release();
});
