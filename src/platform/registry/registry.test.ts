import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { HistoryEntry } from "../../base/index.ts";
import { readArtifact } from "../../models/index.ts";
import { homes } from "../state/testing/homes.ts";
import { day, newYear, type TestRegistry, withTestRegistry } from "./testing/world.ts";

describe.each(homes)("the registry on $name", ({ makeHome }) => {
  let at: TestRegistry;
  let count = 0;
  /** A model of its own for each test. */
  let model: string;
  withTestRegistry(makeHome, (opened) => {
    at = opened;
  });
  beforeEach(() => {
    model = `model-${++count}`;
    at.clock.time = newYear;
    at.entries.length = 0;
  });

  const change = (actor: string, reason = "because") => ({ actor, reason });
  const brief = ({ alias, version, previous, action, actor }: HistoryEntry) =>
    `${action} ${alias} ${previous ?? "-"} -> ${version ?? "-"} by ${actor}`;

  describe("versions", () => {
    test("keep where they came from, as the manifest says", async () => {
      const first = await at.add(model, `${model}-a`);
      const { digest } = await at.registry.resolve({ model, at: { version: first } });
      await at.add(model, `${model}-b`, { parent: digest, metrics: { mse: 2 } });
      const version = await at.registry.resolve({ model, at: { version: 2 } });
      expect(version).toMatchObject({
        model,
        version: 2,
        kind: "toy",
        metrics: { mse: 2 },
        registeredAt: newYear,
        registeredBy: "ann",
        removedAt: null,
        aliases: [],
        lineage: {
          data: { source: "prices.csv", fingerprint: "ab".repeat(32), from: "2024-01-01", to: "2024-12-31" },
          code: { fathom: "0.1.0" },
          configuration: { hiddenSize: 8 },
          parent: { digest, version: 1 },
          run: `run-${model}-b`,
        },
      });
      expect(version.signedBy).toMatch(/^[0-9a-f]{32}$/);
    });

    test("are one for the same bytes", async () => {
      const folder = await at.artifact(`${model}-a`);
      const request = { model, folder, note: "", ...change("ann") };
      expect(await at.registry.register(request)).toMatchObject({ version: { version: 1 }, isNew: true });
      expect(await at.registry.register(request)).toMatchObject({ version: { version: 1 }, isNew: false });
      expect(at.entries).toHaveLength(1);
    });

    test("are numbered without a gap, however many arrive at a time and however many fail", async () => {
      const folders = await Promise.all(
        Array.from({ length: 12 }, (_, i) =>
          at.artifact(`${model}-${i}`, i % 4 === 3 ? { signed: false } : {}),
        ),
      );
      const ended = await Promise.allSettled(
        folders.map((folder) => at.registry.register({ model, folder, note: "", ...change("ann") })),
      );
      const numbers = ended.flatMap((one) => (one.status === "fulfilled" ? [one.value.version.version] : []));
      expect(numbers.sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(ended.filter(({ status }) => status === "rejected")).toHaveLength(3);
    });

    test("of many arrivals with the same bytes are one", async () => {
      const folder = await at.artifact(`${model}-a`);
      const all = await Promise.all(
        Array.from({ length: 8 }, () => at.registry.register({ model, folder, note: "", ...change("ann") })),
      );
      expect(all.map(({ version }) => version.version)).toEqual(new Array(8).fill(1));
      expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    });

    test("are found by number, alias and the first digits of their digest", async () => {
      await at.add(model, `${model}-a`);
      await at.registry.promote(model, 1, change("ann"));
      const { digest } = await at.registry.resolve({ model, at: { version: 1 } });
      for (const place of [{ alias: "champion" }, { digest }, { digest: digest.slice(0, 8) }])
        expect((await at.registry.resolve({ model, at: place })).version).toBe(1);
    });

    test("that are not there are named beside those that are", async () => {
      await at.add(model, `${model}-a`);
      await at.registry.promote(model, 1, change("ann"));
      await expect(at.registry.resolve({ model, at: { alias: "best" } })).rejects.toMatchObject({
        code: "VERSION_UNKNOWN",
        message: `${model}@best: expected a version of the model (versions 1 to 1, champion), found none`,
      });
      const unknown = at.registry.resolve({ model: "nobody", at: { version: 1 } });
      await expect(unknown).rejects.toMatchObject({ code: "MODEL_UNKNOWN" });
    });

    test("are not made of what was changed or is not signed", async () => {
      const unsigned = await at.artifact(`${model}-a`, { signed: false });
      const request = { model, note: "", ...change("ann") };
      await expect(at.registry.register({ ...request, folder: unsigned })).rejects.toMatchObject({
        code: "SIGNATURE_MISSING",
      });
      const changed = await at.artifact(`${model}-b`);
      await writeFile(join(changed, "model.onnx"), "another graph");
      await expect(at.registry.register({ ...request, folder: changed })).rejects.toMatchObject({
        code: "ARTIFACT_CORRUPT",
      });
      await expect(at.registry.resolve({ model, at: { version: 1 } })).rejects.toMatchObject({
        code: "MODEL_UNKNOWN",
      });
    });

    test.each(["", "a b", "a@b", "../a", "x".repeat(129)])(
      "refuse %j as the name of a model",
      async (name) => {
        const folder = await at.artifact(`${model}-a`);
        const registered = at.registry.register({ model: name, folder, note: "", ...change("ann") });
        await expect(registered).rejects.toMatchObject({ code: "INPUT_INVALID" });
      },
    );
  });

  describe("history", () => {
    test("says which version was in charge when, who changed it and why", async () => {
      for (const name of ["a", "b", "c"]) await at.add(model, `${model}-${name}`);
      const steps: [number, string, string][] = [
        [1, "ann", "first"],
        [2, "ben", "better"],
        [3, "ann", "trial"],
      ];
      for (const [i, [version, actor, reason]] of steps.entries()) {
        at.clock.time = newYear + i * 10 * day;
        await at.registry.promote(model, version, change(actor, reason));
      }
      at.clock.time = newYear + 30 * day;
      await at.registry.rollback(model, "champion", change("cleo", "wrong prices"));
      const history = await at.registry.history(model, { limit: 10 });
      expect(history.map(brief)).toEqual([
        "rollback champion 3 -> 2 by cleo",
        "promote champion 2 -> 3 by ann",
        "promote champion 1 -> 2 by ben",
        "promote champion - -> 1 by ann",
      ]);
      expect(history[0]).toMatchObject({ at: newYear + 30 * day, reason: "wrong prices", approvedBy: null });

      const inCharge = async (time: number) =>
        (await at.registry.inCharge(model, "champion", time))?.version ?? null;
      const asked = [-1, 0, 1, 10 * day - 1, 10 * day, 25 * day, 30 * day, 500 * day];
      const answers = await Promise.all(asked.map((offset) => inCharge(newYear + offset)));
      expect(answers).toEqual([null, 1, 1, 1, 2, 3, 2, 2]);
    });

    test("stays in order when the clock goes back", async () => {
      await at.add(model, `${model}-a`);
      await at.add(model, `${model}-b`);
      await at.registry.promote(model, 1, change("ann"));
      at.clock.time = newYear - 5 * day;
      const promoted = await at.registry.promote(model, 2, change("ann"));
      expect(promoted).toMatchObject({ entry: { at: newYear } });
      expect((await at.registry.inCharge(model, "champion", newYear))?.version).toBe(2);
    });

    test("is read in pages, of one alias or of all", async () => {
      for (const name of ["a", "b"]) await at.add(model, `${model}-${name}`);
      for (const version of [1, 2, 1, 2, 1])
        await at.registry.setAlias(model, "challenger", version, change("ann"));
      await at.registry.setAlias(model, "nightly", 1, change("ann"));
      const seen: number[] = [];
      for (let before: number | undefined; ; ) {
        const page = await at.registry.history(model, { limit: 2, before, alias: "challenger" });
        if (page.length === 0) break;
        seen.push(...page.map(({ version }) => version as number));
        before = page[page.length - 1].sequence;
      }
      expect(seen).toEqual([1, 2, 1, 2, 1]);
      expect(await at.registry.history(model, { limit: 100 })).toHaveLength(6);
    });

    test("is told to the ledger, entry by entry", async () => {
      await at.add(model, `${model}-a`);
      await at.registry.setAlias(model, "challenger", 1, change("ann"));
      await at.registry.promote(model, 1, change("ben", "ready"));
      await at.registry.setPolicy(model, { secondKey: true, metric: null }, change("ann"));
      await at.registry.setAlias(model, "challenger", null, change("ann"));
      expect(at.entries.map(({ action, subject }) => `${action} ${subject}`)).toEqual([
        `registry.register ${model}@1`,
        `registry.alias ${model}@challenger`,
        `registry.promote ${model}@champion`,
        `registry.policy ${model}`,
        `registry.alias ${model}@challenger`,
      ]);
      expect(at.entries[2].payload).toMatchObject({
        version: 1,
        previous: null,
        actor: "ben",
        reason: "ready",
      });
    });
  });

  describe("promotion", () => {
    const rule = { path: "test.mse", better: "lower", tolerance: 0.05 } as const;
    const judged = (mse: number, testSet = "t1") => ({ metrics: { test: { mse }, testSet } });

    test("with a second key waits for somebody else", async () => {
      await at.add(model, `${model}-a`);
      await at.registry.setPolicy(model, { secondKey: true, metric: null }, change("ann"));
      const asked = await at.registry.promote(model, 1, change("ann", "good"));
      expect(asked).toMatchObject({ status: "waiting", request: { version: 1, requestedBy: "ann" } });
      const [{ id }] = await at.registry.requests(model);
      expect(await at.registry.inCharge(model, "champion", newYear)).toBeUndefined();
      await expect(at.registry.approve(id, "ann")).rejects.toMatchObject({
        code: "SECOND_KEY_NEEDED",
        kind: "forbidden",
      });
      const entry = await at.registry.approve(id, "ben");
      expect(entry).toMatchObject({ version: 1, actor: "ann", approvedBy: "ben", reason: "good" });
      await expect(at.registry.approve(id, "cleo")).rejects.toMatchObject({
        code: "PROMOTION_UNKNOWN",
        message: expect.stringContaining("approved by ben"),
      });
      expect(await at.registry.requests(model)).toEqual([]);
    });

    test("happens once when two approve at a time", async () => {
      await at.add(model, `${model}-a`);
      await at.registry.setPolicy(model, { secondKey: true, metric: null }, change("ann"));
      await at.registry.promote(model, 1, change("ann"));
      const [{ id }] = await at.registry.requests(model);
      const ended = await Promise.allSettled(["ben", "cleo"].map((actor) => at.registry.approve(id, actor)));
      expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      expect(await at.registry.history(model, { limit: 9 })).toHaveLength(1);
    });

    test("that was asked for against another champion is stale", async () => {
      for (const name of ["a", "b", "c"]) await at.add(model, `${model}-${name}`);
      await at.registry.promote(model, 1, change("ann"));
      await at.registry.setPolicy(model, { secondKey: true, metric: null }, change("ann"));
      await at.registry.promote(model, 2, change("ann"));
      await at.registry.promote(model, 3, change("ann"));
      const [first, second] = await at.registry.requests(model);
      await at.registry.approve(first.id, "ben");
      expect(await at.registry.requests(model)).toEqual([]);
      const stale = { code: "PROMOTION_STALE", message: expect.stringContaining("the champion of then") };
      await expect(at.registry.approve(second.id, "ben")).rejects.toMatchObject(stale);
      await at.registry.rollback(model, "champion", change("ann"));
      await expect(at.registry.approve(second.id, "ben")).rejects.toMatchObject(stale); // it does not come back with it
    });

    test.each([
      { mse: 1, passes: true },
      { mse: 1.05, passes: true },
      { mse: 1.0501, passes: false },
      { mse: 0.2, passes: true },
    ])("with a champion of 1 and a tolerance of 5 % lets $mse through: $passes", async ({ mse, passes }) => {
      await at.add(model, `${model}-a`, judged(1));
      await at.add(model, `${model}-b`, judged(mse));
      await at.registry.setPolicy(model, { secondKey: false, metric: rule }, change("ann"));
      expect(await at.registry.promote(model, 1, change("ann"))).toMatchObject({ comparison: null });
      const promoted = at.registry.promote(model, 2, change("ann"));
      if (passes)
        await expect(promoted).resolves.toMatchObject({ comparison: { champion: 1, candidate: mse } });
      else
        await expect(promoted).rejects.toMatchObject({
          code: "PROMOTION_REFUSED",
          message: `${model}@2: expected test.mse at most 5.00 % worse than the champion's 1, received 1.0501`,
        });
      expect((await at.registry.inCharge(model, "champion", newYear))?.version).toBe(passes ? 2 : 1);
    });

    test("compares on one test only, or on one that is given", async () => {
      await at.add(model, `${model}-a`, judged(1, "t1"));
      await at.add(model, `${model}-b`, judged(0.5, "t2"));
      await at.add(model, `${model}-c`);
      await at.registry.setPolicy(model, { secondKey: false, metric: rule }, change("ann"));
      await at.registry.promote(model, 1, change("ann"));
      await expect(at.registry.promote(model, 2, change("ann"))).rejects.toMatchObject({
        code: "PROMOTION_REFUSED",
        message: expect.stringContaining("expected versions 1 and 2 to be judged on the same test"),
      });
      await expect(at.registry.promote(model, 3, change("ann"))).rejects.toMatchObject({
        message: `${model}@3: expected a number at test.mse of its metrics, found none`,
      });
      const onOne = { champion: 2, candidate: 3, test: "new" };
      await expect(at.registry.promote(model, 2, change("ann"), onOne)).rejects.toMatchObject({
        code: "PROMOTION_REFUSED",
      });
      const promoted = await at.registry.promote(model, 2, change("ann"), { ...onOne, candidate: 2.1 });
      expect(promoted).toMatchObject({ status: "promoted", comparison: { candidate: 2.1, test: "new" } });
    });

    test("of the champion itself is refused", async () => {
      await at.add(model, `${model}-a`);
      await at.registry.promote(model, 1, change("ann"));
      await expect(at.registry.promote(model, 1, change("ann"))).rejects.toMatchObject({
        code: "PROMOTION_REFUSED",
      });
    });

    test("cannot be gone around by setting the alias", async () => {
      await at.add(model, `${model}-a`);
      await expect(at.registry.setAlias(model, "champion", 1, change("ann"))).rejects.toMatchObject({
        code: "ALIAS_RESERVED",
      });
      await expect(at.registry.setAlias(model, "7", 1, change("ann"))).rejects.toMatchObject({
        code: "INPUT_INVALID",
      });
    });
  });

  describe("roll-back", () => {
    test("goes one step further each time, past versions that are gone", async () => {
      for (const name of ["a", "b", "c", "d"]) await at.add(model, `${model}-${name}`);
      for (const version of [1, 2, 3, 4]) await at.registry.promote(model, version, change("ann"));
      const back = async () => (await at.registry.rollback(model, "champion", change("ann"))).version;
      expect(await back()).toBe(3);
      await at.registry.remove(model, 2, change("ann"));
      expect(await back()).toBe(1);
      await expect(back()).rejects.toMatchObject({ code: "ROLLBACK_IMPOSSIBLE" });
      await at.registry.promote(model, 4, change("ann"));
      expect(await back()).toBe(1);
    });

    test("of a model that never had a champion is impossible", async () => {
      await at.add(model, `${model}-a`);
      const back = at.registry.rollback(model, "champion", change("ann"));
      await expect(back).rejects.toMatchObject({ code: "ROLLBACK_IMPOSSIBLE" });
    });
  });

  describe("removal", () => {
    test("is refused while anything points to the version, and keeps its number taken", async () => {
      for (const name of ["a", "b"]) await at.add(model, `${model}-${name}`);
      await at.registry.promote(model, 1, change("ann"));
      await at.registry.setAlias(model, "nightly", 1, change("ann"));
      await expect(at.registry.remove(model, 1, change("ann"))).rejects.toMatchObject({
        code: "VERSION_IN_USE",
        message: `${model}@1: expected a version that nothing points to, found alias champion, alias nightly`,
      });
      const removed = await at.registry.remove(model, 2, change("ben", "no use"));
      expect(removed).toMatchObject({ version: 2, removedAt: newYear });
      await expect(at.registry.resolve({ model, at: { version: 2 } })).rejects.toMatchObject({
        message: expect.stringContaining("found one that was removed on 2026-01-01"),
      });
      expect(await at.add(model, `${model}-c`)).toBe(3);
      expect((await at.registry.versions(model, { limit: 9 })).map(({ version }) => version)).toEqual([
        3, 2, 1,
      ]);
    });

    test("is refused while somebody asks to promote it", async () => {
      await at.add(model, `${model}-a`);
      await at.registry.setPolicy(model, { secondKey: true, metric: null }, change("ann"));
      await at.registry.promote(model, 1, change("ann"));
      await expect(at.registry.remove(model, 1, change("ann"))).rejects.toMatchObject({
        message: expect.stringMatching(/found the open request \d+$/),
      });
    });
  });

  describe("files", () => {
    test("come back as they were registered, and are kept for the next one", async () => {
      await at.add(model, `${model}-a`);
      const { folder, version } = await at.registry.open({ model, at: { version: 1 } });
      const artifact = await readArtifact(folder);
      expect(artifact.digest).toBe(version.digest);
      expect(Buffer.from(artifact.files["model.onnx"]).toString()).toBe(`the graph of ${model}-a`);
      const again = await Promise.all([1, 2, 3].map(() => at.registry.open({ model, at: { version: 1 } })));
      expect(new Set(again.map((one) => one.folder))).toEqual(new Set([folder]));
      expect((await readdir(join(folder, ".."))).filter((name) => name.startsWith("."))).toEqual([]);
    });

    test("of a copy that is not whole are fetched anew", async () => {
      await at.add(model, `${model}-a`);
      const { folder } = await at.registry.open({ model, at: { version: 1 } });
      await rm(join(folder, "shared.txt"));
      await at.registry.open({ model, at: { version: 1 } });
      expect(await readFile(join(folder, "shared.txt"), "utf8")).toBe("the same in all");
    });

    test("that were changed in the store are refused", async () => {
      await at.add(model, `${model}-a`);
      const version = await at.registry.resolve({ model, at: { version: 1 } });
      const place = join(at.dataFolder, "artifacts/sha256", version.digest.slice(0, 2), version.digest);
      await writeFile(place, "x".repeat(12));
      const out = join(at.dataFolder, "out", model);
      await mkdir(out, { recursive: true });
      await expect(at.registry.fetch(version, out)).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
    });

    test("leave the store when no version has them any more, and no sooner", async () => {
      await at.registry.collectGarbage();
      at.clock.time = newYear + 3 * day; // what earlier tests sent is no longer about to be referred to
      await at.registry.collectGarbage();
      const before = await blobCount();
      for (const name of ["a", "b"]) await at.add(model, `${model}-${name}`);
      const both = await blobCount();
      expect(both - before).toBeGreaterThanOrEqual(4); // a manifest and a graph each
      await at.registry.remove(model, 2, change("ann"));
      expect(await at.registry.collectGarbage()).toMatchObject({ blobs: 0 }); // somebody may register it again just now
      at.clock.time += 2 * day;
      expect((await at.registry.collectGarbage()).blobs).toBe(2);
      expect(await blobCount()).toBe(both - 2);
      await at.registry.open({ model, at: { version: 1 } }); // the file that both had is still there
    });

    async function blobCount(): Promise<number> {
      let blobs = 0;
      for await (const _ of at.store.list()) blobs++;
      return blobs;
    }
  });

  test("lists models by name in pages, with who is in charge", async () => {
    for (const name of ["zz-1", "zz-2", "zz-3"]) await at.add(name, `${model}-${name}`);
    await at.registry.promote("zz-2", 1, change("ann"));
    await at.registry.setAlias("zz-2", "challenger", 1, change("ann"));
    const page = await at.registry.models({ after: "zz", limit: 2 });
    expect(page).toEqual([
      { model: "zz-1", versions: 1, champion: null, challenger: null, changedAt: newYear },
      { model: "zz-2", versions: 1, champion: 1, challenger: 1, changedAt: newYear },
    ]);
    expect((await at.registry.models({ after: "zz-2", limit: 2 })).map((one) => one.model)).toEqual(["zz-3"]);
    await at.registry.promote("zz-3", 1, change("ann"));
    const { digest } = await at.registry.resolve({ model: "zz-3", at: { version: 1 } });
    expect(await at.registry.champions({ after: "zz", limit: 1 })).toMatchObject([
      { model: "zz-2", version: 1 },
    ]);
    expect(await at.registry.champions({ after: "zz-2", limit: 5 })).toEqual([
      { model: "zz-3", version: 1, digest },
    ]);
  });

  test("the only way back from the champion keeps its files", async () => {
    for (const name of ["a", "b", "c"]) await at.add(model, `${model}-${name}`);
    await at.registry.promote(model, 1, change("ann"));
    await at.registry.promote(model, 2, change("ann"));
    await expect(at.registry.remove(model, 1, change("ann"))).rejects.toMatchObject({
      code: "VERSION_IN_USE",
      message: expect.stringContaining("could be rolled back to no other one"),
    });
    await at.registry.promote(model, 3, change("ann"));
    await at.registry.remove(model, 2, change("ann")); // 1 is behind it
    await expect(at.registry.remove(model, 1, change("ann"))).rejects.toMatchObject({
      code: "VERSION_IN_USE",
    });
  });
});
