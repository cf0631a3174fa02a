/** The registry, drift and retraining through their capabilities, with models that were really trained. */
import { spawn } from "node:child_process";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { z } from "zod";
import { type Capability, type Context, calendarDate, dayMs, keyFrom, normal } from "../../src/base/index.ts";
import { lazyPlatform, localContext } from "../../src/platform/local/index.ts";
import { driftCapabilities } from "../../src/services/drift/index.ts";
import { forecastCapabilities } from "../../src/services/forecast/index.ts";
import { registryCapabilities, scheduleRetrain } from "../../src/services/registry/index.ts";

let folder: string;
let dataFolder: string;
let platform: ReturnType<typeof lazyPlatform>;
const all = [...registryCapabilities, ...driftCapabilities, ...forecastCapabilities];

const firstDay = Date.UTC(2020, 0, 1);

/** Random walks of two symbols, day by day; from a day on `factor` times as volatile. */
function prices(days: number, calm: number, factor: number): string {
  const lines = ["symbol,date,close"];
  for (const [s, symbol] of ["A", "B"].entries()) {
    const steps = normal(keyFrom(40 + s), days, 0, 0.01);
    let close = 100;
    for (let day = 0; day < days; day++) {
      // Jumps at every eighth day: another kind of return, in units of any volatility.
      const wild = day >= calm ? factor * (day % 8 === 0 ? 6 : 0.5) : 1;
      close *= Math.exp(steps[day] * wild);
      lines.push(`${symbol},${calendarDate(firstDay + day * dayMs)},${close}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** What a server on the same data folder, a process of its own, answers to Prometheus. */
async function metricsOfAServer(): Promise<string> {
  const words = [
    "--import",
    "tsx",
    "test/interfaces/toy-fathom.ts",
    "serve",
    "--no-keys",
    "--port",
    "0",
    "--data-folder",
    dataFolder,
  ];
  const server = spawn(process.execPath, [...words, "--log-level", "warn"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void server.kill("SIGKILL"));
  let said = "";
  for await (const text of server.stderr.setEncoding("utf8")) {
    said += text;
    const address = /fathom serves (http:\/\/[\d.:]+)/.exec(said)?.[1];
    if (address !== undefined) return (await fetch(`${address}/metrics`)).text();
  }
  throw new Error(said);
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "fathom-registry-service-"));
  dataFolder = path.join(folder, "data");
  platform = lazyPlatform({ dataFolder });
  await writeFile(path.join(folder, "then.csv"), prices(500, 500, 1));
  await writeFile(path.join(folder, "calm.csv"), prices(800, 800, 1));
  await writeFile(path.join(folder, "wild.csv"), prices(800, 500, 1));
  await run("forecast.train", { ...quick, data: "then.csv", out: "first" });
  await run("registry.register", { artifact: "first", model: "spy", note: "by hand" });
  await run("registry.promote", { reference: "spy@1", reason: "the first" });
});
afterAll(async () => {
  await platform.close();
  await rm(folder, { recursive: true, force: true });
});

const quick = { lookback: 8, epochs: 2, hiddenSize: 3, batchSize: 64, dropout: 0, quantiles: [] };

function world(actor?: string): Context {
  const logger = { info() {}, warn: (message: string) => void warnings.push(message) };
  return localContext({ dataFolder, workingFolder: folder, platform: platform.open, actor, logger });
}

/** What was said so far that a person should know. */
const warnings: string[] = [];

/** Calls a capability as an edge does, through both of its schemas. */
async function run<Output = Record<string, unknown>>(
  name: string,
  input: object,
  actor?: string,
): Promise<Output> {
  const found = all.find((one) => one.name === name) as Capability;
  const output = await found.run(found.input.parse(input), world(actor));
  const parsed = (found.output as z.ZodType).parse(output);
  expect(found.print?.(output) ?? "").not.toMatch(/undefined|NaN|\[object/);
  return parsed as Output;
}

test("a version of the registry is a model wherever one is named", async () => {
  const data = { data: "calm.csv" };
  const [byName, byAlias, byNumber] = await Promise.all(
    ["first", "spy@champion", "spy@1"].map((artifact) =>
      run<{ forecasts: unknown; model: { digest: string } }>("forecast.predict", { artifact, ...data }),
    ),
  );
  expect(byAlias.forecasts).toEqual(byName.forecasts);
  expect(byNumber.model.digest).toBe(byName.model.digest);
  await expect(run("forecast.predict", { artifact: "spy@best", ...data })).rejects.toMatchObject({
    code: "VERSION_UNKNOWN",
  });
  await expect(run("forecast.predict", { artifact: "spy@", ...data })).rejects.toMatchObject({
    code: "INPUT_INVALID",
  });
});

test("nothing is written under the name of a version", async () => {
  const asked = run("forecast.train", { ...quick, data: "then.csv", out: "spy@2" });
  await expect(asked).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: expect.stringContaining("a version of the registry, which never changes"),
  });
});

test("lineage comes from the manifest", async () => {
  const manifest = JSON.parse(readFileSync(path.join(dataFolder, "models/first/manifest.json"), "utf8"));
  const version = await run("registry.show", { reference: "spy@champion" });
  expect(version).toMatchObject({
    version: 1,
    registeredBy: "owner",
    note: "by hand",
    aliases: ["champion"],
    lineage: {
      data: { fingerprint: manifest.data.fingerprint, to: "2021-05-14" },
      code: manifest.versions,
      run: manifest.run,
      configuration: { input: { hiddenSize: 3 } },
    },
  });
  expect(manifest.run).toMatch(/^[0-9a-f]{16}$/);
});

describe("a training that registers its result", () => {
  interface Trained {
    artifact: string;
    registered?: { model: string; version: number; alias: string | null; digest: string; isNew: boolean };
  }
  const asked = { ...quick, data: "then.csv", out: "desk-model" };

  test("makes a version as registering does, and points the alias that was asked for", async () => {
    const made = await run<Trained>("forecast.train", { ...asked, register: "desk@challenger" }, "ann");
    const { digest } = made.registered ?? {};
    expect(made.registered).toEqual({
      model: "desk",
      version: 1,
      alias: "challenger",
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
      isNew: true,
    });
    expect(await run("registry.show", { reference: "desk@challenger" })).toMatchObject({
      version: 1,
      digest,
      registeredBy: "ann",
    });
    const again = await run("registry.register", { artifact: "desk-model", model: "desk" });
    expect(again).toMatchObject({ isNew: false, version: { version: 1, digest } });
    const { audit } = await platform.open();
    const [byHand, trained] = await Promise.all(
      ["spy@1", "desk@1"].map((subject) => audit.list({ subject, limit: 5 })),
    );
    expect(trained.map(({ action }) => action)).toEqual(["registry.register"]);
    expect(Object.keys(trained[0].payload)).toEqual(
      Object.keys(byHand.find(({ action }) => action === "registry.register")?.payload ?? {}),
    );
    expect(trained[0]).toMatchObject({ actor: "ann", payload: { digest, reason: "trained" } });
    const history = await run("registry.history", { model: "desk" });
    expect(history).toMatchObject({ entries: [{ alias: "challenger", version: 1, actor: "ann" }] });
  });

  test("is the same training as one that does not", async () => {
    const manifest = JSON.parse(
      readFileSync(path.join(dataFolder, "models/desk-model/manifest.json"), "utf8"),
    );
    expect(manifest.configuration.input).not.toHaveProperty("register");
    const plain = await run<Trained>("forecast.train", asked); // of the same name, which another training may not have
    expect(plain.registered).toBeUndefined();
    expect(await run("registry.list", { model: "desk" })).toMatchObject({ versions: [{ version: 1 }] });
    await rm(path.join(dataFolder, "models/desk-model"), { recursive: true });
  });

  test("does not begin where the registry cannot be opened", async () => {
    const closed = new Error("no database today");
    const given = { ...world(), platform: () => Promise.reject(closed) };
    const train = all.find(({ name }) => name === "forecast.train") as Capability;
    let reads = 0;
    const market = { read: () => Promise.reject(new Error(`read ${++reads} times`)) };
    const input = train.input.parse({ ...asked, register: "desk" });
    await expect(train.run(input, { ...given, market })).rejects.toBe(closed);
    expect(reads).toBe(0);
  });
});

describe("drift", () => {
  interface Checked {
    drifted: boolean;
    summary: string;
    features: { name: string; drifted: boolean }[];
    scores: unknown[];
  }

  test("is none on more of the same, and is named where something changed", async () => {
    const calm = await run<Checked>("drift.check", { artifact: "spy@champion", data: "calm.csv" });
    expect(calm).toMatchObject({ drifted: false, from: "2021-05-15" });
    expect(calm.summary).toMatch(/^Nothing has drifted from 2021-05-15 to /);
    const wild = await run<Checked>("drift.check", { artifact: "spy@champion", data: "wild.csv" });
    expect(wild.drifted).toBe(true);
    expect(wild.features.find(({ name }) => name === "return / volatility")?.drifted).toBe(true);
    expect(wild.summary).toMatch(/have drifted .*return \/ volatility/);
    expect(wild.scores).toHaveLength(1);
  });

  test("of a registered version is what every server's /metrics tells of it", {
    timeout: 60_000,
  }, async () => {
    const { registry } = await platform.open();
    const [kept] = await registry.driftChecks({ limit: 10 });
    expect(kept).toMatchObject({ model: "spy", version: 1, by: "owner", drifted: true, from: "2021-05-15" });
    const psi = kept.features
      .find(({ name }) => name === "return / volatility")
      ?.measures.find(({ measure }) => measure === "psi")?.value;
    expect(psi).toBeGreaterThan(0.1);
    expect(await run("registry.show", { reference: "spy@1" })).toMatchObject({
      drift: { by: "owner", from: "2021-05-15", drifted: expect.arrayContaining(["return / volatility"]) },
    });
    const text = await metricsOfAServer();
    const labels = 'model="spy",version="1",feature="return / volatility"';
    expect(text).toContain(`\nfathom_drift_detected{${labels}} 1\n`);
    expect(text).toContain(`\nfathom_drift{${labels},measure="psi"} ${psi}\n`);
    expect(text).toContain(
      `\nfathom_drift_check_timestamp_seconds{model="spy",version="1"} ${kept.at / 1000}\n`,
    );
    expect(text).toContain("\nfathom_state_up 1\n");
  });

  test("needs data behind the model's own, and a reference", async () => {
    await expect(run("drift.check", { artifact: "first", data: "then.csv" })).rejects.toMatchObject({
      code: "FORECAST_NOTHING_NEW",
      message: expect.stringContaining("expected at least 20 samples from 2021-05-15 on, received 0"),
    });
    const since = await run<Checked>("drift.check", {
      artifact: "first",
      data: "then.csv",
      since: "2020-06-01",
    });
    expect(since.drifted).toBe(false);
  });
});

describe("retraining", () => {
  interface Retrained {
    status: string;
    challenger: number | null;
    drifted: boolean | null;
  }

  test("leaves everything as it is while nothing has drifted", async () => {
    const same = await run<Retrained>("registry.retrain", {
      model: "spy",
      data: "calm.csv",
      onlyWhenDrifted: true,
    });
    expect(same).toMatchObject({ status: "unchanged", champion: 1, challenger: null, drifted: false });
    expect(await run("registry.list", { model: "spy" })).toMatchObject({ versions: [{ version: 1 }] });
  });

  test("does not train on what the champion was trained on", async () => {
    const same = await run<Retrained & { summary: string }>("registry.retrain", {
      model: "spy",
      data: "then.csv",
    });
    expect(same).toMatchObject({ status: "unchanged", challenger: null, drifted: null });
    expect(same.summary).toContain("nothing new to learn from");
  });

  test("makes a challenger with the champion as its parent, and never a champion", async () => {
    const made = await run<Retrained>("registry.retrain", {
      model: "spy",
      data: "wild.csv",
      onlyWhenDrifted: true,
    });
    expect(made).toMatchObject({ status: "challenger", champion: 1, challenger: 2, drifted: true });
    expect(await run("registry.show", { reference: "spy@challenger" })).toMatchObject({
      version: 2,
      note: "retrained from version 1",
      lineage: { parent: { version: 1 }, configuration: { input: { lookback: 8, hiddenSize: 3 } } },
    });
    expect(await run("registry.show", { reference: "spy@champion" })).toMatchObject({ version: 1 });
    expect(await readdir(path.join(dataFolder, "models"))).toEqual(["first"]); // the registry has the new one
  });

  test("is put on a schedule through the jobs of the platform", async () => {
    const asked: unknown[] = [];
    const jobs = { schedule: async (request: unknown) => void asked.push(request) };
    const nightly = { cron: "0 3 * * 1-5", timeZone: "Europe/Berlin", actor: "ann" };
    await scheduleRetrain(jobs, { model: "spy", data: "prices.csv", onlyWhenDrifted: true }, nightly);
    expect(asked).toEqual([
      {
        name: "retrain-spy",
        capability: "registry.retrain",
        input: { model: "spy", data: "prices.csv", onlyWhenDrifted: true },
        ...nightly,
      },
    ]);
    expect(registryCapabilities.map(({ name }) => name)).toContain("registry.retrain");
  });
});

test("a policy compares by a number that the champion has, and keeps what it is not told", async () => {
  const set = (changes: object) => run("registry.policy", { model: "spy", reason: "trial", ...changes });
  await expect(set({ metric: "test.modl.mse" })).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: expect.stringContaining("did you mean test.model.mse"),
  });
  await expect(set({ tolerance: 0.1 })).rejects.toMatchObject({ details: { field: "metric" } });
  await set({ metric: "test.model.mse", tolerance: 0.05 });
  await set({ secondKey: true });
  expect(await run("registry.policy", { model: "spy" })).toMatchObject({
    policy: { secondKey: true, metric: { path: "test.model.mse", better: "lower", tolerance: 0.05 } },
  });
  await set({ secondKey: false, metric: "none" });
});

describe("promotion under a policy", () => {
  const policy = { model: "spy", secondKey: true, metric: "test.model.mse", tolerance: 0.5 };

  test("judges both on data that is new to both when their own tests differ", async () => {
    await run("registry.policy", { ...policy, reason: "four eyes" });
    await expect(run("registry.promote", { reference: "spy@2" })).rejects.toMatchObject({
      code: "PROMOTION_REFUSED",
      message: expect.stringContaining("expected versions 1 and 2 to be judged on the same test"),
    });
    writeFileSync(path.join(folder, "newest.csv"), prices(900, 500, 1));
    warnings.length = 0;
    const asked = await run<{ comparison: { champion: number; candidate: number }; request: { id: number } }>(
      "registry.promote",
      { reference: "spy@challenger", data: "newest.csv", reason: "it knows the new market" },
      "ann",
    );
    const ofOutliers = warnings.filter((line) => line.includes("outlier"));
    const judged = await run<{ total: { model: { mse: number } }[] }>("forecast.evaluate", {
      artifact: "spy@1",
      data: "newest.csv",
      folds: 1,
      start: await firstOfBoth(),
    });
    expect(asked).toMatchObject({ status: "waiting", request: { requestedBy: "ann", version: 2 } });
    expect(ofOutliers).toHaveLength(1); // both were judged on the same prices
    expect(asked.comparison.champion).toBeCloseTo(judged.total[0].model.mse, 12);
    const request = asked.request.id;
    await expect(run("registry.approve", { request }, "ann")).rejects.toMatchObject({
      code: "SECOND_KEY_NEEDED",
    });
    expect(await run("registry.requests", { model: "spy" })).toMatchObject({ requests: [{ id: request }] });
    const approved = await run("registry.approve", { request }, "ben");
    expect(approved).toMatchObject({ entry: { version: 2, previous: 1, actor: "ann", approvedBy: "ben" } });
  });

  /** The test part of the later training begins within a day; the comparison begins with the next one. */
  async function firstOfBoth(): Promise<string> {
    const { lineage } = await run<{ lineage: { configuration: { knownUntil: number } } }>("registry.show", {
      reference: "spy@2",
    });
    return calendarDate(Math.ceil(lineage.configuration.knownUntil / dayMs) * dayMs);
  }

  test("is undone by rolling back, and all of it can be read and asked for", async () => {
    await run("registry.rollback", { model: "spy", reason: "too nervous" }, "cleo");
    const { entries } = await run<{ entries: { action: string; alias: string }[] }>("registry.history", {
      model: "spy",
      alias: "champion",
    });
    expect(entries.map(({ action }) => action)).toEqual(["rollback", "promote", "promote"]);
    const long = await run("registry.history", { model: "spy", at: "2099-12-31" });
    expect(long).toMatchObject({ at: "2099-12-31T23:59:59.999Z", entries: [{ version: 1 }] });
    expect(await run("registry.history", { model: "spy", at: "2001-01-01" })).toMatchObject({ entries: [] });
    const actions = (await (await platform.open()).audit.list({ limit: 200 })).map(({ action }) => action);
    for (const action of ["register", "promote", "policy", "request", "rollback", "alias"])
      expect(actions).toContain(`registry.${action}`);
  });
});

test("the files of a version are fetched with the signature of who made them", async () => {
  const { artifact } = await run<{ artifact: string }>("registry.fetch", { reference: "spy@1", out: "copy" });
  for (const name of ["manifest.json", "manifest.json.signature", "model.onnx", "report.html"])
    expect(await readFile(path.join(artifact, name))).toEqual(
      await readFile(path.join(dataFolder, "models/first", name)),
    );
  expect(await run("registry.register", { artifact: "copy", model: "spy" })).toMatchObject({ isNew: false });
});

test("a model without a signature is refused until somebody signs it, and a changed one stays refused", async () => {
  const place = path.join(dataFolder, "models/copy");
  await rm(path.join(place, "manifest.json.signature"));
  const predict = () => run("forecast.predict", { artifact: "copy", data: "calm.csv" });
  await expect(predict()).rejects.toMatchObject({ code: "SIGNATURE_MISSING" });
  await run("registry.sign", { artifact: "copy" });
  await predict();
  appendFileSync(path.join(place, "manifest.json"), " ");
  await expect(predict()).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
  await expect(run("registry.sign", { artifact: "copy" })).rejects.toMatchObject({
    code: "ARTIFACT_CORRUPT",
  });
});

test("a candidate is served beside the champion until it is stopped", async () => {
  const rules = { minimumRequests: 10, scorePsi: 0.2 };
  const plan = await run("registry.plan", { reference: "spy@2", mode: "shadow", sharePercent: 50, ...rules });
  expect(plan).toMatchObject({ champion: 1, candidate: 2, status: "active", verdict: "wait" });
  const { registry } = await platform.open();
  const active = await registry.servingPlan("spy");
  expect(active?.scoreEdges?.length).toBe(9); // the tenths of the champion's own forecasts
  expect(await run("registry.planStatus", { model: "spy" })).toEqual(plan);
  expect(await run("registry.stopPlan", { model: "spy" })).toMatchObject({ status: "stopped" });
});

test("keys are shown and trusted by file", async () => {
  const { keys } = await run<{ keys: { name: string; id: string; pem: string }[] }>("registry.keys", {});
  expect(keys.map(({ name }) => name)).toEqual(["this installation"]);
  await writeFile(path.join(folder, "other.pem"), keys[0].pem);
  expect(await run("registry.trust", { name: "twin", key: path.join(folder, "other.pem") })).toMatchObject({
    keys: [{ name: "twin", id: keys[0].id }],
  });
  await expect(run("registry.trust", { name: "x", key: "nowhere.pem" })).rejects.toMatchObject({
    code: "DATA_FILE_MISSING",
  });
});

test("removal is refused while an alias points to the version", async () => {
  await expect(run("registry.remove", { reference: "spy@1" })).rejects.toMatchObject({
    code: "VERSION_IN_USE",
  });
  await run("registry.alias", { reference: "spy@2", alias: "challenger", clear: true });
  expect(await run("registry.remove", { reference: "spy@2", reason: "no use" })).toMatchObject({
    version: 2,
  });
  expect(await run("registry.collectGarbage", {})).toEqual({ blobs: 0, bytes: 0 }); // pinned for a day
  await expect(run("registry.show", { reference: "spy" })).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: expect.stringMatching(/^reference: expected name@alias/),
  });
});
