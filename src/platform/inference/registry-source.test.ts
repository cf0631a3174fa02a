import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { PlatformError } from "../../base/index.ts";
import { readArtifact, writeArtifact } from "../../models/index.ts";
import { type RegistryOutcome, type RegistryPlan, registrySource } from "./registry-source.ts";
import { rows, serverOf, timesModel } from "./testing/models.ts";

interface Reference {
  readonly model: string;
  readonly at: string;
}

const facts = {
  kind: "test",
  data: { source: "s", fingerprint: "f", from: "2020-01-01", to: "2020-02-01", symbols: [] },
  configuration: {},
  metrics: {},
  parameters: 1,
  versions: {},
  createdAt: "2020-02-01T00:00:00Z",
};

/** A registry of one model "m": version 1 doubles, version 2 trebles. */
async function registry() {
  const folders: string[] = [];
  const digests: string[] = [];
  for (const factor of [2, 3]) {
    const folder = await mkdtemp(join(tmpdir(), "fathom-registry-source-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await writeArtifact(folder, { "model.onnx": timesModel(factor) }, facts);
    folders.push(folder);
    digests.push((await readArtifact(folder)).digest);
  }
  const state = { champion: 1, plan: undefined as RegistryPlan | undefined };
  const told: RegistryOutcome[] = [];
  const resolve = async ({ model, at }: Reference) => {
    const version = at === "champion" ? state.champion : Number(at);
    if (model === "m" && digests[version - 1] !== undefined)
      return { model, version, digest: digests[version - 1] };
    throw new PlatformError("missing", "MODEL_UNKNOWN", `${model}@${at}: there is none`);
  };
  const port = {
    resolve,
    champions: async () => [await resolve({ model: "m", at: "champion" })],
    open: async (reference: Reference) => {
      const version = await resolve(reference);
      return { folder: folders[version.version - 1], version };
    },
    has: async (model: string) => model === "m" || model === "headless",
    servingPlan: async () => state.plan,
    recordOutcomes: async (_: RegistryPlan, outcomes: readonly RegistryOutcome[]) =>
      void told.push(...outcomes),
  };
  const source = registrySource<Reference, RegistryPlan>({
    registry: async () => port,
    referenceOf: (text) => ({ model: text.split("@")[0], at: text.split("@")[1] }),
    isCandidateFor: (_, key) => key === "tried",
    answersDiffer: (a, b) => a[0] !== b[0],
    logger: { info() {}, warn() {} },
    tellMs: 1,
  });
  const server = serverOf({}, { sources: [source] });
  const ask = (name: string, more: { version?: string; key?: string } = {}) =>
    server.infer({ name, inputs: { x: rows([1, 2]) }, ...more });
  return { state, told, digests, server, source, ask };
}

test("a registered name without a champion is refused, whatever else has that name", async () => {
  const { source } = await registry();
  await expect(source.find("headless")).rejects.toMatchObject({
    code: "MODEL_UNKNOWN",
    message: expect.stringContaining("with a champion"),
  });
  expect(await source.find("nobody")).toBeUndefined();
  expect(await source.find("headless@challenger")).toBeUndefined();
});

test("serves a name by its champion, and any version by its number", async () => {
  const { ask, digests, server } = await registry();
  expect(await ask("m")).toMatchObject({
    model: { name: "m", version: "1", digest: digests[0] },
    outputs: { y: rows([2, 4]) },
  });
  expect((await ask("m@2")).model).toEqual({ name: "m@2", version: "2", digest: digests[1] });
  expect((await ask("m", { version: "2" })).outputs.y).toEqual(rows([3, 6]));
  expect((await ask("m@2", { version: "2" })).model.version).toBe("2");
  await expect(ask("m@2", { version: "1" })).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
  await expect(ask("m", { version: "x" })).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
  await expect(ask("other")).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
  expect(await server.list()).toEqual([{ name: "m", version: "1", digest: digests[0], loaded: true }]);
});

test("follows a promotion", async () => {
  const { ask, state, server } = await registry();
  expect((await ask("m@champion")).model.version).toBe("1");
  state.champion = 2;
  await server.refresh();
  expect((await ask("m@champion")).model.version).toBe("2");
});

test("follows a plan, tells the registry how both did, and stops when the plan is of a former champion", async () => {
  const { ask, state, told, server, source } = await registry();
  state.plan = { id: 7, model: "m", champion: 1, candidate: 2, mode: "canary" };
  expect((await ask("m", { key: "tried" })).model.version).toBe("2");
  expect((await ask("m", { key: "other" })).model.version).toBe("1");
  await source.close();
  expect(told.map(({ arm, failed, scores }) => [arm, failed, [...Array.from(scores ?? [])]])).toEqual([
    ["candidate", false, [3, 6]],
    ["champion", false, [2, 4]],
  ]);
  state.plan = { ...state.plan, id: 8, mode: "shadow" };
  await server.refresh();
  expect((await ask("m", { key: "tried" })).model.version).toBe("1");
  await vi.waitUntil(() => told.length === 4);
  expect(told[3]).toMatchObject({ arm: "candidate", failed: false, disagrees: true });
  state.champion = 2;
  await server.refresh();
  await ask("m", { key: "tried" });
  await source.close();
  expect(told).toHaveLength(4);
});
