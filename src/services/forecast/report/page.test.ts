import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanPrices } from "../../../data/index.ts";
import { createRuntime } from "../../../engine/index.ts";
import { cutSamples } from "../samples.ts";
import { type Target, TrainInput } from "../schema.ts";
import { summarise } from "../summary.ts";
import { quietPorts } from "../testing/ports.ts";
import { firstDay, walk } from "../testing/prices.ts";
import { judge, specOf, splitSamples, trainOn } from "../train.ts";
import { renderReport } from "./page.ts";

const runtime = createRuntime({ threads: 1 });
afterAll(() => runtime.close());

/** The page of a training that lasted two epochs. */
async function reportOf(target: Target, symbols: readonly string[], changes: Partial<TrainInput> = {}) {
  const input = TrainInput.parse({
    data: "test",
    target,
    epochs: 2,
    hiddenSize: 2,
    lookback: 4,
    horizon: [1, 3],
    ...changes,
  });
  const series = symbols.map((symbol) => walk(symbol, 90));
  const rows = 90 * symbols.length;
  const flat = (pick: (i: number, row: number) => number) =>
    Float64Array.from({ length: rows }, (_, i) => pick(Math.floor(i / 90), i % 90));
  const { prices, report: cleaning } = cleanPrices({
    source: "test",
    fingerprint: "f",
    symbols,
    symbol: Int32Array.from({ length: rows }, (_, i) => Math.floor(i / 90)),
    time: flat((_, row) => firstDay + row * 86_400_000),
    open: null,
    high: null,
    low: null,
    close: flat((symbol, row) => (row === 40 ? Number.NaN : series[symbol].close[row])),
    volume: null,
    line: Int32Array.from({ length: rows }, (_, i) => i + 2),
  });
  const set = cutSamples(prices, { lookback: 4, horizons: input.horizon, which: "known" });
  const split = splitSamples(set, input);
  const trained = await trainOn(set, split, specOf(input, set), input, quietPorts(), runtime);
  await trained.checkpoints.clear();
  const judged = await judge(trained, set, split.test, input, runtime, new AbortController().signal);
  const { horizon, ...first } = judged.scores[0];
  const period = ["2020-01-01", "2020-02-01"];
  return renderReport({
    input,
    output: {
      artifact: "a",
      report: "r",
      target,
      parameters: 12,
      epochs: trained.fitted.history.length,
      bestEpoch: trained.fitted.bestEpoch,
      seconds: 1,
      resumedFrom: 0,
      cleaning: { ...cleaning, dropped: { ...cleaning.dropped } },
      samples: { train: split.train.length, validation: split.validation.length, test: split.test.length },
      periods: { train: period, validation: period, test: period },
      history: [...trained.fitted.history],
      shrinkage: [...trained.shrinkage],
      test: { ...first, horizons: judged.scores },
      summary: summarise(input, judged.scores),
    },
    log: trained.log,
    cleaning,
    set,
    split,
    ...judged,
    riseShare: trained.facts.riseShare,
    simulation: null,
  });
}

const text = (page: string) => page.replace(/<style[\s\S]*?<\/style>/g, "").replace(/<[^>]+>/g, " ");

describe.each(["log-return", "return", "direction", "volatility", "level"] as const)("of a %s", (target) => {
  let page: string;
  beforeAll(async () => {
    page = await reportOf(target, ["A", "B"]);
  });

  test("has every section", () => {
    const titles = [...page.matchAll(/<h2[^>]*>([^<]+)</g)].map(([, title]) => title);
    expect(titles).toEqual([
      "Result",
      "Training",
      "Forecast and outcome",
      "Calibration",
      "Cleaning",
      "Method",
    ]);
  });

  test("shows no number that is none", () => {
    expect(text(page)).not.toMatch(/\bNaN\b|undefined|\bnull\b|Infinity|\[object/);
    expect(page).not.toMatch(/="[^"]*(NaN|undefined|Infinity)[^"]*"/);
  });

  test("draws forecasts, tenths and calibration of each horizon", () => {
    const panels = page.split('<div class="panels').slice(1);
    expect(panels).toHaveLength(3);
    for (const panel of panels) {
      const titles = [...panel.split("</figure>")[0].matchAll(/<p class="heading">([^<]+)</g)];
      expect(titles.map(([, title]) => title)).toEqual([
        expect.stringContaining("1 bar ahead"),
        expect.stringContaining("3 bars ahead"),
      ]);
    }
  });

  test("needs nothing from outside the file", () => {
    expect(page).not.toMatch(/(src|href)="(?!#)/);
  });
});

test("shows symbols as text, whatever they contain", async () => {
  const page = await reportOf("log-return", ['<img src=x onerror="alert(1)">&']);
  expect(page).not.toContain("<img");
  expect(page).toContain("&lt;img");
});

test("names the symbols, and how the file was read where that was said", async () => {
  const page = text(await reportOf("log-return", ["A", "B"], { format: { close: "Schluss", decimal: "," } }));
  expect(page).toMatch(/Symbols\s+A, B/);
  expect(page).toMatch(/Format of the file\s+close Schluss, decimal ,/);
  expect(text(await reportOf("log-return", ["A"]))).not.toContain("Format of the file");
});

test("draws three horizons, and says which it leaves to the tables", async () => {
  const page = await reportOf("log-return", ["A"], { horizon: [1, 2, 3, 5, 8] });
  expect(page.match(/<p class="heading">/g)).toHaveLength(3 * 3);
  expect(text(page)).toMatch(/The horizons of 5 and 8 bars are left to the tables\./);
});

test("names every axis of a direction, and draws outcomes as strokes", async () => {
  const page = await reportOf("direction", ["A", "B"]);
  expect(page).toContain(">Probability of a rise<");
  expect(page).toContain(">rise (above)<");
  expect(page).toMatch(/reliability/i);
});

test("does without quantiles", async () => {
  const page = await reportOf("return", ["A"], { quantiles: [] });
  expect(text(page)).not.toMatch(/\bNaN\b|undefined|Calibration/);
});
