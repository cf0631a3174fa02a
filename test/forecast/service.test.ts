/** The forecast service as a library: in this process, on a data folder of its own. */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Context, JobHandle, JobOutcome, Logger } from "../../src/base/index.ts";
import { type LazyPlatform, lazyPlatform, localContext } from "../../src/platform/local/index.ts";
import {
  EvaluateInput,
  forecastEvaluate,
  forecastFold,
  forecastPredict,
  forecastTrain,
  PredictInput,
  TrainInput,
} from "../../src/services/forecast/index.ts";
import { FoldInput, FoldOutput } from "../../src/services/forecast/schema.ts";
import { walk } from "../../src/services/forecast/testing/prices.ts";

let folder: string;
let platform: LazyPlatform;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-service-"));
  platform = lazyPlatform({ dataFolder: join(folder, "data") });
  const day = (time: number) => new Date(time).toISOString().slice(0, 10);
  const lines = ["A", "B", "C"].flatMap((symbol) => {
    const { time, open, high, low, close, volume } = walk(symbol, symbol === "C" ? 8 : 260);
    return [...time.keys()].map((i) =>
      [symbol, day(time[i]), open?.[i], high?.[i], low?.[i], close[i], volume?.[i]].join(","),
    );
  });
  await writeFile(
    join(folder, "prices.csv"),
    ["symbol,date,open,high,low,close,volume", ...lines].join("\n"),
  );
});
afterAll(async () => {
  await platform.close();
  await rm(folder, { recursive: true });
});

/** A context, and every warning that was given through it. */
function world(options: { signal?: AbortSignal; unsigned?: "warn" } = {}): {
  context: Context;
  warnings: string[];
} {
  const warnings: string[] = [];
  const logger: Logger = { info() {}, warn: (message) => warnings.push(message) };
  const context = localContext({
    dataFolder: join(folder, "data"),
    workingFolder: folder,
    platform: platform.open,
    logger,
    ...options,
  });
  return { context, warnings };
}

const quick = { data: "prices.csv", lookback: 5, epochs: 2, hiddenSize: 3, batchSize: 64, dropout: 0 };
type Changes<T> = { [K in keyof T]?: unknown };
const train = (changes: Changes<TrainInput> = {}, { context } = world()) =>
  forecastTrain.run(TrainInput.parse({ ...quick, ...changes }), context);
const predict = (artifact: string, changes: Changes<PredictInput> = {}, { context } = world()) =>
  forecastPredict.run(PredictInput.parse({ artifact, data: "prices.csv", ...changes }), context);
const judge = (artifact: string, changes: Changes<EvaluateInput> = {}, { context } = world()) =>
  forecastEvaluate.run(EvaluateInput.parse({ artifact, data: "prices.csv", folds: 2, ...changes }), context);

/** A context as a job has it, whose parts go to `runParts`. */
const asJob = (runParts: JobHandle["runParts"]) => {
  const given = world();
  return { ...given, context: { ...given.context, job: { id: "job", runParts } } };
};

describe("training", () => {
  test("replaces no model of another training unasked", async () => {
    await train({ out: "kept" });
    const before = await readFile(join(folder, "data", "models", "kept", "manifest.json"), "utf8");
    await train({ out: "kept" }); // the same again
    const other = { out: "kept", epochs: 1, horizon: [1, 2], replace: undefined };
    await expect(train(other)).rejects.toMatchObject({
      code: "ARTIFACT_DIFFERS",
      message: expect.stringMatching(
        /^out: expected a new name.* found kept, which is of another \(.*horizon.*\)/,
      ),
    });
    const now = await readFile(join(folder, "data", "models", "kept", "manifest.json"), "utf8");
    expect(JSON.parse(now).run).toBe(JSON.parse(before).run);
    expect((await train({ ...other, replace: true })).test.horizons).toHaveLength(2);
  });

  test("gives the same bytes for the same seed, and others for another", async () => {
    const model = async (out: string, seed: number) => {
      const { artifact, resumedFrom } = await train({ out, seed });
      expect(resumedFrom).toBe(0); // trained anew, not taken from a checkpoint
      return readFile(join(artifact, "model.onnx"));
    };
    const [first, again, other] = [await model("s1", 1), await model("s2", 1), await model("s3", 2)];
    expect(again.equals(first)).toBe(true);
    expect(other.equals(first)).toBe(false);
    expect(await readdir(join(folder, "data", "checkpoints"))).toEqual([]);
  });

  test("says in the artifact how the training went, the same for the same seed", async () => {
    const logOf = async (out: string) => {
      const { artifact, epochs, history } = await train({ out });
      return { epochs, history, text: await readFile(join(artifact, "training.jsonl"), "utf8") };
    };
    const [one, same] = [await logOf("logged"), await logOf("logged-again")];
    expect(same.text).toBe(one.text);
    const records = one.text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(Object.keys(records[0])).toEqual(["step", "epoch", "loss", "learningRate", "gradientNorm"]);
    expect(records.map(({ step }) => step)).toEqual(
      records.map(({ step }) => step).toSorted((a, b) => a - b),
    );
    expect(new Set(records.map(({ epoch }) => epoch)).size).toBe(one.epochs);
    expect(records.at(-1).learningRate).toBeCloseTo(one.history[one.epochs - 1].learningRate, 6);
    const page = await readFile(join((await train({ out: "drawn" })).artifact, "report.html"), "utf8");
    for (const title of ["Loss by step", "Learning rate by step", "Length of the gradient by step"])
      expect(page).toContain(title);
  });

  test("reads the same from CSV, Parquet and JSON", async () => {
    const connection = await (await DuckDBInstance.create()).connect();
    const from = `(SELECT * FROM read_csv('${join(folder, "prices.csv")}'))`;
    await connection.run(`COPY ${from} TO '${join(folder, "prices.parquet")}' (FORMAT parquet)`);
    await connection.run(`COPY ${from} TO '${join(folder, "prices.json")}' (FORMAT json, ARRAY true)`);
    connection.closeSync();
    const scores = [];
    for (const data of ["prices.csv", "prices.parquet", "prices.json"]) {
      const output = await train({ data, out: `format-${data}` });
      expect(output.cleaning.rowsRead).toBe(528);
      scores.push([output.samples, output.periods, output.history, output.test]);
    }
    expect(scores[1]).toEqual(scores[0]);
    expect(scores[2]).toEqual(scores[0]);
  });

  test("takes only the symbols and dates that were asked for", async () => {
    const output = await train({ symbols: ["B"], from: "2020-02-01", to: "2020-08-31", out: "narrow" });
    expect(output.cleaning.rowsRead).toBe(213);
    expect(output.periods.train[0]).toBe("2020-02-06"); // the first window has six bars
    expect(output.periods.test[1]).toBe("2020-08-30");
    const { data } = JSON.parse(readFileSync(join(output.artifact, "manifest.json"), "utf8"));
    expect(data).toMatchObject({ symbols: ["B"], from: "2020-02-01", to: "2020-08-31" });
  });

  test("names symbols that are too short, and goes on without them", async () => {
    const own = world();
    await train({ out: "short", horizon: [3] }, own);
    expect(own.warnings).toContainEqual(
      "1 of 3 symbols have fewer than the 9 bars that lookback 5 and horizon 3 need, and are left out: C",
    );
  });

  test("takes a horizon that is named twice once", async () => {
    const { test: scores } = await train({ horizon: [3, 1, 3], out: "twice" });
    expect(scores.horizons.map(({ horizon }) => horizon)).toEqual([3, 1]);
  });

  test("writes down what made the model, and appends it to the ledger", async () => {
    const { artifact } = await train({ out: "facts" });
    const manifest = JSON.parse(readFileSync(join(artifact, "manifest.json"), "utf8"));
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    expect(manifest.versions).toMatchObject({ fathom: version, node: process.versions.node });
    expect(manifest.versions.onnxruntime).toMatch(/^\d+\.\d+\.\d+$/);
    expect(manifest.metrics.test).toMatchObject({ naive: { mse: expect.any(Number) } });
    const { audit } = await platform.open();
    expect(await audit.list({ limit: 1 })).toMatchObject([{ action: "forecast.train", subject: artifact }]);
  });
});

describe("prediction", () => {
  beforeAll(async () => {
    await train({ out: "model", horizon: [1, 3] });
  });

  test("forecasts every symbol and horizon, and names symbols that are too short", async () => {
    await writeFile(
      join(folder, "more.csv"),
      `${readFileSync(join(folder, "prices.csv"), "utf8")}\nD,2020-01-01,1,1,1,1,1`,
    );
    const own = world();
    const { forecasts, unit } = await predict("model", { data: "more.csv" }, own);
    expect(unit).toBe("log points");
    expect(forecasts.map(({ symbol, horizon }) => `${symbol}${horizon}`)).toEqual([
      "A1",
      "A3",
      "B1",
      "B3",
      "C1",
      "C3",
    ]);
    expect(own.warnings).toContainEqual(expect.stringMatching(/^1 of 4 symbols .* left out: D$/));
  });

  test("names the column that the model reads and the file lacks", async () => {
    await writeFile(join(folder, "closes.csv"), "date,close\n2020-01-01,1\n2020-01-02,2\n");
    await expect(predict("model", { data: "closes.csv" })).rejects.toMatchObject({
      code: "DATA_COLUMN_MISSING",
      details: { file: expect.stringContaining("closes.csv"), field: "open" },
    });
  });

  test("refuses bars of another distance than those that it was trained on", async () => {
    const minutes = Array.from({ length: 40 }, (_, i) =>
      ["A", new Date(Date.UTC(2020, 0, 2, 9, 5 * i)).toISOString(), 10, 11, 9, 10 + (i % 3) / 10, 5].join(
        ",",
      ),
    );
    await writeFile(
      join(folder, "minutes.csv"),
      `symbol,date,open,high,low,close,volume\n${minutes.join("\n")}`,
    );
    const message =
      /minutes\.csv: expected bars about 1 day apart, as model was trained on, received bars about 5 minutes apart$/;
    await expect(predict("model", { data: "minutes.csv" })).rejects.toMatchObject({
      code: "DATA_INTERVAL_MISMATCH",
      message: expect.stringMatching(message),
    });
    await expect(judge("model", { data: "minutes.csv" })).rejects.toThrow(message);
  });

  test("names a symbol of which cleaning leaves nothing", async () => {
    const text = readFileSync(join(folder, "prices.csv"), "utf8");
    await writeFile(join(folder, "failed.csv"), `${text}\nFAIL,2020-01-02,,,,,\nFAIL,2020-01-03,,,,,`);
    const own = world();
    await predict("model", { data: "failed.csv" }, own);
    expect(own.warnings).toContainEqual(expect.stringMatching(/no row is left after cleaning of: FAIL$/));
  });

  test("leaves out bars that are still to come, and says so", async () => {
    const text = readFileSync(join(folder, "prices.csv"), "utf8");
    await writeFile(join(folder, "ahead.csv"), `${text}\nA,2195-01-01,1,1,1,1,1`);
    const own = world();
    const [first] = (await predict("model", { data: "ahead.csv", symbols: ["A"] }, own)).forecasts;
    expect(first.asOf).toBe((await predict("model", { symbols: ["A"] })).forecasts[0].asOf);
    expect(own.warnings).toContainEqual(
      expect.stringMatching(/ahead\.csv: 1 bar has a time that is still to come \(first on line 530\)$/),
    );
  });

  test("reads a file as that of its training was written, unless it is told otherwise", async () => {
    const rows = readFileSync(join(folder, "prices.csv"), "utf8").split("\n").slice(1);
    const german = rows.map((row) => row.replaceAll(",", ";").replaceAll(".", ","));
    await writeFile(
      join(folder, "german.csv"),
      ["Papier;Tag;Anfang;Hoch;Tief;Ende;Stücke", ...german].join("\n"),
    );
    const format = {
      ...{ symbol: "Papier", time: "Tag", open: "Anfang", high: "Hoch", low: "Tief", close: "Ende" },
      volume: "Stücke",
    };
    await train({ data: "german.csv", format, out: "german", horizon: [1, 3] });
    const { forecasts } = await predict("german", { data: "german.csv" });
    expect(forecasts).toEqual((await predict("model")).forecasts);
    await expect(predict("german")).rejects.toMatchObject({
      details: { field: "format.time" },
      message: expect.stringMatching(
        /the model remembers the format of its training; format \{\} reads a plain file/,
      ),
    });
    // A field that is given takes the place of the remembered one, and of no other.
    await expect(
      predict("german", { data: "german.csv", format: { close: "Endpreis" } }),
    ).rejects.toMatchObject({
      details: { field: "format.close" },
    });
    expect((await predict("german", { format: {} })).forecasts).toEqual(forecasts);
  });

  test("says how many bars are needed when no symbol has them", async () => {
    await expect(predict("model", { symbols: ["C"], to: "2020-01-04" })).rejects.toMatchObject({
      code: "DATA_TOO_SHORT",
      message: expect.stringMatching(/expected at least 6 bars of one symbol for lookback 5, received 4$/),
    });
  });

  test("refuses a manifest whose configuration was changed", async () => {
    const { artifact } = await train({ out: "edited" });
    const path = join(artifact, "manifest.json");
    const manifest = JSON.parse(readFileSync(path, "utf8"));
    const refused = async (changed: unknown, words: RegExp) => {
      const text = JSON.stringify(changed);
      writeFileSync(path, text);
      writeFileSync(`${path}.sha256`, `${createHash("sha256").update(text).digest("hex")}  manifest.json\n`);
      await expect(predict("edited", {}, world({ unsigned: "warn" }))).rejects.toMatchObject({
        kind: "conflict",
        code: "ARTIFACT_CORRUPT",
        message: expect.stringMatching(words),
      });
    };
    writeFileSync(path, JSON.stringify(manifest));
    await expect(predict("edited")).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
    await rm(`${path}.signature`);
    const { columns, ...rest } = manifest.configuration;
    await refused({ ...manifest, configuration: rest }, /manifest\.json: field configuration\.columns: /);
    const { "model.onnx": model, ...files } = manifest.files;
    await refused({ ...manifest, files }, /model\.onnx/);
  });
});

describe("evaluation", () => {
  test("judges what training did not see, as training itself did", async () => {
    const trained = await train({ out: "judged" });
    const whole = await judge("judged", { folds: 1 });
    expect(whole.folds[0].from).toBe(trained.periods.test[0]);
    const { digest } = (await predict("judged")).model;
    expect(whole).toMatchObject({ artifact: "judged", digest });
    expect(whole.total[0]).toMatchObject({
      n: trained.test.n,
      model: trained.test.model,
      naive: trained.test.naive,
      skill: trained.test.skill,
    });
  });

  test("does not judge a model by what it was trained on, unless it trains anew", async () => {
    await train({ out: "judged" });
    await expect(judge("judged", { start: "2020-03-01" })).rejects.toMatchObject({
      code: "INPUT_INVALID",
      details: { field: "start" },
    });
    const anew = await judge("judged", { start: "2020-07-01", refit: true });
    expect(anew.folds[0].from).toBe("2020-07-01");
  });

  test("trains each fold anew on its own past", async () => {
    await train({ out: "judged" });
    const both = await judge("judged", { refit: true, folds: 2 });
    const last = await judge("judged", { refit: true, folds: 1, start: both.folds[1].from });
    // The second fold alone: the same past, the same training, the same numbers.
    expect(last.folds[0].horizons).toEqual(both.folds[1].horizons);
    expect(both.folds[0].horizons[0].linear).not.toEqual(both.folds[1].horizons[0].linear);
  });

  test("hands the folds to its job, and puts them together to the same result", async () => {
    await train({ out: "folded", target: "direction" });
    const asked: string[] = [];
    /** As other workers do: from JSON to JSON. */
    const runParts = async (requests: readonly { capability: string; input: unknown }[]) =>
      Promise.all(
        requests.map(async ({ capability, input }, i): Promise<JobOutcome> => {
          asked.push(capability);
          const output = await forecastFold.run(
            FoldInput.parse(JSON.parse(JSON.stringify(input))),
            world().context,
          );
          const received: unknown = JSON.parse(JSON.stringify(FoldOutput.parse(output)));
          return { id: `part ${i}`, status: "done", output: received, failure: null };
        }),
      );
    const inTurn = await judge("folded", { refit: true });
    expect(await judge("folded", { refit: true }, asJob(runParts))).toEqual(inTurn);
    expect(asked).toEqual(["forecast.fold", "forecast.fold"]);
    await judge("folded", {}, asJob(runParts)); // nothing is trained, and nothing is worth handing on
    await judge("folded", { refit: true, folds: 1 }, asJob(runParts));
    expect(asked).toHaveLength(2);
  });

  test("ends with what went wrong in a fold that another worker had", async () => {
    await train({ out: "judged" });
    const failure = { kind: "unavailable", code: "DISK_FULL", message: "no room", details: {} } as const;
    const runParts = async (requests: readonly unknown[]) =>
      requests.map(
        (_, i): JobOutcome =>
          i === 0
            ? { id: "a", status: "done", output: null, failure: null }
            : { id: "b", status: "failed", output: null, failure },
      );
    await expect(judge("judged", { refit: true }, asJob(runParts))).rejects.toMatchObject({
      code: "DISK_FULL",
      message: "fold 1: no room",
    });
    const fold = FoldInput.parse({ artifact: "judged", data: "prices.csv", folds: 2, fold: 2 });
    await expect(forecastFold.run(fold, world().context)).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: "fold: expected 0 to 1, received 2",
    });
  });

  test("weighs each fold by the naive forecast of its own training", async () => {
    await train({ out: "rises", target: "direction" });
    const { folds, total } = await judge("rises", { refit: true });
    const samples = folds.reduce((sum, { horizons: [one] }) => sum + one.n, 0);
    const squared = folds.reduce((sum, { horizons: [one] }) => sum + one.n * one.naive.mse, 0);
    expect(total[0].naive.mse).toBeCloseTo(squared / samples, 12);
  });

  test("says when there is nothing new to judge by", async () => {
    const { periods } = await train({ out: "judged" });
    await expect(judge("judged", { to: periods.validation[1] })).rejects.toMatchObject({
      code: "FORECAST_NOTHING_NEW",
    });
  });
});

test("uses the market of the training where it is simulated, unless another seed is given", async () => {
  const { test: trained } = await train({
    data: "simulated",
    symbols: ["FIN01", "TEC01"],
    out: "simulated",
    seed: 7,
  });
  const same = await judge("simulated", { data: "simulated", symbols: ["FIN01", "TEC01"], folds: 1 });
  expect(same.total[0].model.mse).toBe(trained.model.mse);
  expect(same.total[0].trueMeanSkill).toBe(trained.trueMeanSkill);
  const other = await judge("simulated", {
    data: "simulated",
    symbols: ["FIN01", "TEC01"],
    folds: 1,
    seed: 8,
  });
  expect(other.total[0].model.mse).not.toBe(trained.model.mse);
});

test("stops when it is told to, and leaves no model", async () => {
  const controller = new AbortController();
  const own = world({ signal: controller.signal });
  const progress = {
    report: ({ stage }: { stage: string }) => {
      if (stage === "train") controller.abort();
    },
  };
  const stopped = train({ out: "never" }, { ...own, context: { ...own.context, progress } });
  await expect(stopped).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(await readdir(join(folder, "data", "models"))).not.toContain("never");
});
