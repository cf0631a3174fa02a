/** The forecast service from file to forecast, on real prices and through the built command. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { cleanPrices, readPriceTable } from "../../src/data/index.ts";
import { dataOf, fathom, has } from "./command.ts";

const ort = createRequire(import.meta.url)("onnxruntime-node") as typeof import("onnxruntime-node");
const folder = mkdtempSync(join(tmpdir(), "fathom-real-"));
afterAll(() => rmSync(folder, { recursive: true }));

const goog = "backtest-ohlcv/goog_daily_2004_2013.csv";
const dow = "equities-dow30-ohlcv/dow30_ohlcv_2006_2017.csv.gz";
const rates = "forecast-exchange-rate/exchange_rate.csv.gz";
const quick = ["--hidden-size", "8", "--quiet", "--json", "--epochs"];

async function run(...args: string[]) {
  const { status, stdout, stderr } = await fathom(folder, args);
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout); // throws unless standard output is exactly one document
}

describe.skipIf(!has(goog))("one symbol", () => {
  test("trains with every field that scripts rely on", async () => {
    const out = await run(
      "forecast",
      "train",
      "--data",
      dataOf(goog),
      "--out",
      "goog",
      "--horizon",
      "1,5",
      ...quick,
      "2",
    );
    expect(out).toMatchObject({
      artifact: expect.stringContaining("goog"),
      parameters: expect.any(Number),
      epochs: 2,
      seconds: expect.any(Number),
      cleaning: {
        rowsRead: 2148,
        rowsKept: 2148, // five closes look like outliers, and are true
        duplicates: 0,
        missing: 0,
        outliers: 5,
        impossible: 0,
      },
    });
    for (const score of [out.test, ...out.test.horizons]) {
      expect(score).toMatchObject({
        n: expect.any(Number),
        model: {
          mse: expect.any(Number),
          mae: expect.any(Number),
          rmse: expect.any(Number),
          directionAccuracy: expect.any(Number),
          ic: expect.any(Number),
        },
        naive: { mse: expect.any(Number), mae: expect.any(Number), directionAccuracy: expect.any(Number) },
        linear: { mse: expect.any(Number) },
        skill: expect.any(Number),
      });
      expect(score.skill).toBeCloseTo(1 - score.model.mse / score.naive.mse, 12);
      expect(score.model.rmse ** 2).toBeCloseTo(score.model.mse, 12);
    }
    // Nobody forecasts daily returns well, and nothing explodes either.
    expect(Math.abs(out.test.skill)).toBeLessThan(0.1);
    expect(out.test.interval.coverage).toBeGreaterThan(0.75);
  });

  test("forecasts the same from plain ONNX Runtime on raw prices", async () => {
    const out = await run(
      "forecast",
      "predict",
      "--artifact",
      "goog",
      "--data",
      dataOf(goog),
      "--quiet",
      "--json",
    );
    expect(out.forecasts.map((one: { horizon: number }) => one.horizon)).toEqual([1, 5]);
    expect(out.forecasts[0]).toMatchObject({
      symbol: "goog_daily_2004_2013",
      asOf: "2013-03-01",
      time: "2013-03-04",
    });

    const model = join(folder, "data/models/goog");
    const { configuration } = JSON.parse(readFileSync(join(model, "manifest.json"), "utf8"));
    const { prices } = cleanPrices(await readPriceTable({ path: dataOf(goog) }), {
      outliers: { action: "drop" },
    });
    const bars = configuration.input.lookback + 1;
    const columns: ("close" | "open" | "high" | "low" | "volume")[] = configuration.columns;
    const window = Float32Array.from({ length: bars * columns.length }, (_, i) => {
      const series = prices.series[0][columns[i % columns.length]] as Float64Array;
      return series[series.length - bars + Math.floor(i / columns.length)];
    });
    const session = await ort.InferenceSession.create(join(model, "model.onnx"));
    const answer = await session.run({
      prices: new ort.Tensor("float32", window, [1, bars, columns.length]),
    });
    out.forecasts.forEach((one: { value: number; quantiles: Record<string, number> }, h: number) => {
      expect(one.value).toBeCloseTo(answer["forecast"].data[h] as number, 7);
      Object.values(one.quantiles).forEach((value, q) => {
        expect(value).toBeCloseTo(answer["quantiles"].data[h * 5 + q] as number, 7);
      });
    });
  });

  test.each(["return", "direction", "volatility", "level"])(
    "forecasts %s in its own unit",
    async (target) => {
      await run(
        "forecast",
        "train",
        "--data",
        dataOf(goog),
        "--out",
        target,
        "--target",
        target,
        ...quick,
        "2",
      );
      const { forecasts } = await run(
        "forecast",
        "predict",
        "--artifact",
        target,
        "--data",
        dataOf(goog),
        "--quiet",
        "--json",
      );
      const [low, high] = {
        return: [-0.1, 0.1],
        direction: [0.3, 0.7],
        volatility: [0.002, 0.05],
        level: [750, 860],
      }[target] as [number, number];
      expect(forecasts[0].value).toBeGreaterThan(low); // the last close is 806.19
      expect(forecasts[0].value).toBeLessThan(high);
      const quantiles = Object.values(forecasts[0].quantiles ?? {}) as number[];
      expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
    },
  );

  test.each(["gru", "rnn", "dense", "linear"])("trains %s", async (model) => {
    const out = await run(
      "forecast",
      "train",
      "--data",
      dataOf(goog),
      "--out",
      model,
      "--model",
      model,
      ...quick,
      "2",
    );
    expect(Math.abs(out.test.skill)).toBeLessThan(0.2);
  });

  test("judges walk-forward, with and without training again", async () => {
    for (const refit of ["--no-refit", "--refit"]) {
      const out = await run(
        "forecast",
        "evaluate",
        "--artifact",
        "gru",
        "--data",
        dataOf(goog),
        "--folds",
        "2",
        refit,
        "--quiet",
        "--json",
      );
      expect(out.refit).toBe(refit === "--refit");
      expect(out.folds).toHaveLength(2);
      expect(out.folds[0].to < out.folds[1].from).toBe(true);
      const counts = out.folds.map((fold: { horizons: { n: number }[] }) => fold.horizons[0].n);
      expect(out.total[0].n).toBe(counts[0] + counts[1]);
    }
  });

  test("knows nothing of later rows: a shorter file gives the forecast that the longer one gave at its end", async () => {
    const lines = readFileSync(dataOf(goog), "utf8").trimEnd().split("\n");
    const { writeFileSync } = await import("node:fs");
    writeFileSync(join(folder, "early.csv"), lines.slice(0, 1500).join("\n"));
    const until = lines[1499].split(",")[0];
    const ask = (data: string, ...more: string[]) =>
      run("forecast", "predict", "--artifact", "goog", "--data", data, ...more, "--quiet", "--json");
    const [early, cut] = [await ask("early.csv"), await ask(dataOf(goog), "--to", until)];
    const values = (out: { forecasts: { value: number }[] }) => out.forecasts.map(({ value }) => value);
    expect(values(early)).toEqual(values(cut));
  });
});

describe.skipIf(!has(dow))("many symbols", () => {
  test("trains one model for 31 symbols and accounts for the known defects of the file", async () => {
    const out = await run(
      "forecast",
      "train",
      "--data",
      dataOf(dow),
      "--out",
      "dow",
      "--batch-size",
      "1024",
      ...quick,
      "1",
    );
    expect(out.cleaning.missing).toBe(25 + 10 + 20);
    expect(out.cleaning.impossible).toBe(152); // 151 with broken bounds, and one price of zero
    expect(out.cleaning.duplicates).toBe(0);
    const { forecasts } = await run(
      "forecast",
      "predict",
      "--artifact",
      "dow",
      "--data",
      dataOf(dow),
      "--symbols",
      "AAPL,MSFT",
      "--quiet",
      "--json",
    );
    expect(forecasts.map((one: { symbol: string }) => one.symbol)).toEqual(["AAPL", "MSFT"]);
  });
});

describe.skipIf(!has(rates))("a wide file", () => {
  test("trains on every column of the exchange rates", async () => {
    const out = await run(
      "forecast",
      "train",
      "--data",
      dataOf(rates),
      "--out",
      "rates",
      "--batch-size",
      "1024",
      ...quick,
      "1",
    );
    expect(out.cleaning.rowsRead).toBe(7588 * 8);
    expect(out.test.naive.mse).toBeGreaterThan(0);
  });
});
