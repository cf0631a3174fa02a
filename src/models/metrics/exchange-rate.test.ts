/**
 * The benchmark of long-horizon forecasting, exchange_rate (Lai et al. 2018), with the split and scaling of LTSF-Linear
 * (Zeng et al. 2023): its table for the forecast that repeats the last value is reproduced with the metrics of this folder.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { mean, standardDeviation } from "../../base/index.ts";
import { meanAbsoluteError, meanSquaredError } from "./regression.ts";

const root = process.env["FATHOM_SHARED"] ?? join(import.meta.dirname, "../../../../shared");
const file = join(root, "data/forecast-exchange-rate/exchange_rate.txt.gz");
const present = existsSync(file);
if (!present) console.warn(`skipped: the exchange_rate table needs ${file}`);

const channels = 8;
const trainingRows = 5311;
const testRows = 1517;

describe.skipIf(!present)("the forecast that repeats the last value", () => {
  const table = present ? standardised() : [];

  // MSE and MAE over all windows, then with the last partial batch of 32 windows dropped, as the published loader did.
  test.each([
    [96, 0.081126, 0.196357],
    [192, 0.167119, 0.288676],
    [336, 0.3057, 0.397815],
    [720, 0.810064, 0.676445],
  ])("scores as recomputed on every window at horizon %d", (horizon, mse, mae) => {
    const { outcome, forecast } = windows(table, horizon, testRows - horizon + 1);
    expect(meanSquaredError(outcome, forecast)).toBeCloseTo(mse, 5);
    expect(meanAbsoluteError(outcome, forecast)).toBeCloseTo(mae, 5);
  });

  test.each([
    [96, 0.081, 0.196, 3],
    [192, 0.167, 0.289, 3],
    [336, 0.3054, 0.3963, 4],
    [720, 0.8226, 0.6811, 4],
  ])("scores as published, without the last partial batch, at horizon %d", (horizon, mse, mae, digits) => {
    const { outcome, forecast } = windows(table, horizon, 32 * Math.floor((testRows - horizon + 1) / 32));
    expect(meanSquaredError(outcome, forecast)).toBeCloseTo(mse, digits);
    expect(meanAbsoluteError(outcome, forecast)).toBeCloseTo(mae, digits);
  });
});

/** The channels, each scaled by the mean and population deviation of its training rows. */
function standardised(): number[][] {
  const rows = gunzipSync(readFileSync(file))
    .toString("utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(",").map(Number));
  expect(rows.length).toBe(7588);
  return Array.from({ length: channels }, (_, channel) => {
    const values = rows.map((row) => row[channel]);
    const training = values.slice(0, trainingRows);
    const [center, scale] = [mean(training), standardDeviation(training, 0)];
    return values.map((value) => (value - center) / scale);
  });
}

/** All outcomes of the first `count` windows of the test rows, over all channels, and the value before each window. */
function windows(table: number[][], horizon: number, count: number) {
  const outcome = new Float64Array(channels * count * horizon);
  const forecast = new Float64Array(outcome.length);
  let next = 0;
  for (const values of table) {
    const start = values.length - testRows;
    for (let window = 0; window < count; window++) {
      for (let step = 0; step < horizon; step++) {
        outcome[next] = values[start + window + step];
        forecast[next++] = values[start + window - 1];
      }
    }
  }
  return { outcome, forecast };
}
