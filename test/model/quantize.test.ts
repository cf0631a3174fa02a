/** What the loss of whole numbers is measured on: prices where there are any, and drawn inputs only under that name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyFrom } from "../../src/base/index.ts";
import {
  createRuntime,
  gather,
  input,
  Linear,
  loadOnnx,
  parameter,
  readOnnx,
  relu,
  reshape,
  toOnnx,
  traceGraph,
} from "../../src/engine/index.ts";
import { lazyPlatform, localContext } from "../../src/platform/local/index.ts";
import { forecastTrain } from "../../src/services/forecast/index.ts";
import { closes } from "../../src/services/forecast/testing/prices.ts";
import { modelQuantize } from "../../src/services/model/index.ts";

const folder = mkdtempSync(join(tmpdir(), "fathom-quantize-"));
const platform = lazyPlatform({ dataFolder: join(folder, "data") });
const context = localContext({
  dataFolder: join(folder, "data"),
  workingFolder: folder,
  platform: platform.open,
  logger: { info() {}, warn() {} },
});
/** A wave that a network can learn, so that something of it is believed. */
const wave = closes(
  "A",
  Array.from({ length: 300 }, (_, i) => 100 * Math.exp(0.05 * Math.sin((2 * Math.PI * i) / 10))),
);
beforeAll(async () => {
  const day = (time: number) => new Date(time).toISOString().slice(0, 10);
  const rows = [...wave.time.keys()].map((i) => `A,${day(wave.time[i])},${wave.close[i]}`);
  writeFileSync(join(folder, "prices.csv"), ["symbol,date,close", ...rows].join("\n"));
  for (const [out, data, more] of [
    ["theirs", join(folder, "prices.csv"), {}],
    ["simulated", "simulated", { symbols: ["FIN01"] }],
  ] as const) {
    const asked = {
      data,
      out,
      model: "mlp",
      lookback: 10,
      horizon: [1, 2],
      epochs: data === "simulated" ? 1 : 30,
      hiddenSize: 32,
      ...more,
    };
    await forecastTrain.run(forecastTrain.input.parse(asked), context);
  }
  const hidden = new Linear(32, 32, keyFrom(1));
  writeFileSync(
    join(folder, "plain.onnx"),
    toOnnx(traceGraph({ y: relu(hidden.apply(input("x", ["batch", 32]))) })),
  );
}, 60_000);
afterAll(async () => {
  await platform.close();
  rmSync(folder, { recursive: true });
});

const quantize = async (asked: Record<string, unknown>) =>
  await modelQuantize.run(modelQuantize.input.parse({ out: join(folder, "small.onnx"), ...asked }), context);

describe("a forecasting model", () => {
  test("is measured on the prices that are given, with the errors of both models beside the naive forecast's", async () => {
    const data = join(folder, "prices.csv");
    const { errors, samples, data: words } = await quantize({ artifact: "theirs", data });
    expect(words).toMatch(/^of prices\.csv, 2020-\d\d-\d\d to 2020-10-24, after its training$/);
    // The last day with an outcome two bars on is the 298th. By hand: the windows that end there, and one by one before.
    const last = wave.close.length - 3;
    const windows = Array.from({ length: samples }, (_, i) => last - samples + 1 + i);
    const runtime = createRuntime({ threads: 1 });
    const model = await loadOnnx(runtime, readOnnx(readFileSync(join(folder, "small.onnx"))));
    const prices = Float32Array.from(windows.flatMap((end) => [...wave.close.subarray(end - 10, end + 1)]));
    const { forecast } = await model.run({
      prices: { dtype: "float32", shape: [samples, 11, 1], data: prices },
    });
    await runtime.close();
    const rmse = (of: (row: number, h: number) => number, h: number) =>
      Math.sqrt(
        windows.reduce(
          (sum, end, row) => sum + (of(row, h) - Math.log(wave.close[end + 1 + h] / wave.close[end])) ** 2,
          0,
        ) / samples,
      );
    expect(errors?.map(({ horizon }) => horizon)).toEqual([1, 2]);
    errors?.forEach(({ quantized, float, naive }, h) => {
      expect(quantized).toBeCloseTo(
        rmse((row) => Number(forecast.data[2 * row + h]), h),
        9,
      );
      expect(naive).toBeCloseTo(
        rmse(() => 0, h),
        9,
      );
      expect(float).not.toBe(quantized);
      expect(float).toBeLessThan(naive);
    });
  });

  test("says so when its training saw all of them, and takes so many as it may", async () => {
    const { samples, data } = await quantize({
      artifact: "theirs",
      data: join(folder, "prices.csv"),
      to: "2020-04-01",
      samples: 20,
    });
    expect(samples).toBe(20);
    expect(data).toMatch(/, which its training saw$/);
  });

  test("is measured on its own market where that is simulated", async () => {
    const { errors, data } = await quantize({ artifact: "simulated" });
    expect(data).toMatch(/^of the simulated market, /);
    expect(errors).toHaveLength(2);
  });

  test("is called measured on drawn inputs where there are no prices, or these are asked for", async () => {
    const { errors, data, samples } = await quantize({ artifact: "theirs" });
    expect({ errors, data, samples }).toEqual({
      errors: null,
      data: "drawn lognormal with seed 0, which are no market: --data measures on yours",
      samples: 256,
    });
    expect((await quantize({ artifact: "simulated", draw: "lognormal" })).errors).toBeNull();
  });
});

test("any other model is measured on drawn inputs, and says how to give it its own", async () => {
  const artifact = join(folder, "plain.onnx");
  expect(await quantize({ artifact })).toMatchObject({
    errors: null,
    data: "drawn normal with seed 0, which are not yours: --inputs measures on yours",
  });
  await expect(quantize({ artifact, data: "simulated" })).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: "data: expected a forecasting model, received onnx; --inputs measures any other",
  });
});

test.each([
  [1, "the only row", [3]],
  [6, "all rows", [0, 0, 0, 0, 0, 3]],
])("whole numbers are drawn that a table of %i has, %s of it", async (count, _, table) => {
  const artifact = join(folder, `table-${count}.onnx`);
  const tokens = reshape(input("tokens", ["batch", 2], "int64"), ["2*batch"]);
  const rows = gather(parameter({ shape: [count, 1], data: Float32Array.from(table) }), tokens, 0);
  const dense = new Linear(32, 32, keyFrom(1)).apply(input("x", ["batch", 32]));
  writeFileSync(artifact, toOnnx(traceGraph({ rows, dense })));
  const { outputs } = await quantize({ artifact, samples: 500 });
  // Each row is as likely: of 1,000 numbers one in `count` names the last one, where the 3 is.
  expect(outputs[0].rootMeanSquare.float / (3 / Math.sqrt(count))).toBeCloseTo(1, 1);
});

test("prices, inputs and draws are not taken together", async () => {
  await expect(
    quantize({ artifact: "theirs", data: "simulated", inputs: "batch.safetensors" }),
  ).rejects.toThrow("data: expected one of data, inputs and draw, received data and inputs");
  await expect(quantize({ artifact: "simulated", data: "simulated", draw: "normal" })).rejects.toThrow(
    "received data and draw",
  );
});

test("prints the errors in columns", async () => {
  const output = await quantize({ artifact: "simulated" });
  expect(modelQuantize.print?.(output)).toMatch(
    /RMSE of the forecast +float +quantised +naive forecast\nat horizon 1 +0\.\d+ +0\.\d+ +0\.\d+\n/,
  );
});
