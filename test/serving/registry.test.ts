/** The registry and the inference server together: aliases, plans, and a candidate that is taken out of service by its own answers. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Platform, RollbackRules } from "../../src/base/index.ts";
import { serveModels } from "../../src/interfaces/cli/serve-models.ts";
import { rows, timesModel } from "../../src/platform/inference/testing/models.ts";
import { localContext, systemClock } from "../../src/platform/local/index.ts";
import { createMetrics } from "../../src/platform/metrics/index.ts";
import { type TestRegistry, withTestRegistry } from "../../src/platform/registry/testing/world.ts";
import { homes } from "../../src/platform/state/testing/homes.ts";

const rules: RollbackRules = {
  minimumRequests: 10,
  errorRate: null,
  latencyRatio: null,
  disagreement: 0.1,
  scorePsi: null,
};
const canaryRules: RollbackRules = { ...rules, disagreement: null, errorRate: 0.1 };
const change = { actor: "ann", reason: "trial" };

describe.each(homes)("models of the registry on $name", ({ makeHome }) => {
  let at: TestRegistry;
  let count = 0;
  let model: string;
  withTestRegistry(makeHome, (opened) => {
    at = opened;
  });
  /** Version 1 doubles and is champion, version 2 trebles. */
  beforeEach(async () => {
    model = `model-${++count}`;
    await at.add(model, `${model}-a`, { files: { "model.onnx": timesModel(2) } });
    await at.add(model, `${model}-b`, { files: { "model.onnx": timesModel(3) } });
    await at.registry.promote(model, 1, change);
  });

  async function serve() {
    const metrics = createMetrics();
    const { models: artifacts, logger } = localContext({ dataFolder: at.dataFolder });
    const settings = {
      maxBatchRows: 64,
      batchWindowMs: 0,
      inferenceQueue: 1000,
      inferenceTimeoutSeconds: 10,
      loadedModels: 8,
      modelRefreshSeconds: 60,
    };
    const platform = async () => ({ state: at.state.kind, registry: at.registry }) as unknown as Platform;
    const world = {
      asked: undefined,
      dataFolder: at.dataFolder,
      artifacts,
      platform,
      clock: systemClock,
      logger,
      metrics,
    };
    const models = await serveModels(settings, world);
    onTestFinished(async () => {
      await models.close();
      metrics.close();
    });
    const ask = async (name: string, key?: string) => {
      const { model: answered, outputs } = await models.server.infer({
        name,
        key,
        inputs: { x: rows([1, 2]) },
      });
      return [answered.version, [...(outputs["y"].data as Float32Array)]];
    };
    return { models, ask };
  }

  test("are not shadowed by what somebody puts into the folder under their name", async () => {
    await mkdir(join(at.dataFolder, "models"), { recursive: true });
    await writeFile(join(at.dataFolder, "models", `${model}.onnx`), timesModel(9));
    const headless = `${model}-headless`;
    await at.add(headless, `${headless}-a`, { files: { "model.onnx": timesModel(5) } });
    await writeFile(join(at.dataFolder, "models", `${headless}.onnx`), timesModel(9));
    await writeFile(join(at.dataFolder, "models", `${model}-own.onnx`), timesModel(7));
    const { ask } = await serve();
    expect(await ask(model)).toEqual(["1", [2, 4]]);
    await expect(ask(headless)).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
    expect((await ask(`${headless}@1`))[1]).toEqual([5, 10]);
    expect((await ask(`${model}-own`))[1]).toEqual([7, 14]);
  });

  test("are served by alias, number and digest, and follow a promotion", async () => {
    const { models, ask } = await serve();
    const { digest } = await at.registry.resolve({ model, at: { version: 2 } });
    expect(await ask(model)).toEqual(["1", [2, 4]]);
    expect(await ask(`${model}@champion`)).toEqual(["1", [2, 4]]);
    expect(await ask(`${model}@2`)).toEqual(["2", [3, 6]]);
    expect(await ask(`${model}@sha256:${digest.slice(0, 12)}`)).toEqual(["2", [3, 6]]);
    await expect(ask(`${model}@challenger`)).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
    await at.registry.promote(model, 2, change);
    await models.server.refresh();
    expect(await ask(model)).toEqual(["2", [3, 6]]);
    expect(await ask(`${model}@champion`)).toEqual(["2", [3, 6]]);
  });

  test("share their callers with a canary as its plan says", async () => {
    await at.registry.startPlan({
      model,
      candidate: 2,
      mode: "canary",
      sharePercent: 50,
      rules: canaryRules,
      ...change,
    });
    const { ask } = await serve();
    const keys = Array.from({ length: 40 }, (_, i) => `caller ${i}`);
    const first = await Promise.all(keys.map((key) => ask(model, key)));
    expect(await Promise.all(keys.map((key) => ask(model, key)))).toEqual(first);
    expect(new Set(first.map(([version]) => version))).toEqual(new Set(["1", "2"]));
  });

  test("drop a shadow whose answers differ, without a caller noticing", async () => {
    await at.registry.startPlan({ model, candidate: 2, mode: "shadow", sharePercent: 100, rules, ...change });
    const { models, ask } = await serve();
    for (let i = 0; i < 12; i++) expect(await ask(model, `caller ${i}`)).toEqual(["1", [2, 4]]);
    await vi.waitUntil(async () => (await at.registry.servingPlan(model)) === undefined, { timeout: 20_000 });
    const [last] = await at.registry.history(model, { limit: 1 });
    expect(last).toMatchObject({ action: "automatic-rollback", alias: "shadow" });
    const seen = await at.registry.observations(model);
    expect(seen?.observations.candidate).toMatchObject({ requests: 12, compared: 12, disagreed: 12 });
    await models.server.refresh();
    expect(await ask(model, "caller 1")).toEqual(["1", [2, 4]]);
  });
});
