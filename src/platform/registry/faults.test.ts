/** What the registry keeps to when something else fails, or happens at the same time. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readArtifact } from "../../models/index.ts";
import { type BlobStore, s3Store } from "../artifacts/index.ts";
import { startS3Server } from "../artifacts/testing/s3-server.ts";
import { systemEntropy } from "../local/index.ts";
import { signer } from "../signing/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import { openRegistry } from "./index.ts";
import { day, openTestRegistry, type TestRegistry } from "./testing/world.ts";

describe.each(homes)("on $name", ({ makeHome }) => {
  let home: Home;
  let at: TestRegistry;
  beforeAll(async () => {
    home = await makeHome();
    at = await openTestRegistry(home);
  });
  afterAll(async () => {
    await at.state.close();
    await home.remove();
  });

  /** A registry on the same state whose ledger is another one. */
  const withLedger = (append: (subject: string) => Promise<void>, store: BlobStore = at.store) =>
    openRegistry(at.state, {
      store,
      signer: signer({ dataFolder: at.dataFolder, entropy: systemEntropy }),
      clock: at.clock,
      cacheFolder: join(at.dataFolder, "cache"),
      ledger: { check: async () => {}, append: ({ action, subject }) => append(`${action} ${subject}`) },
    });

  test("a change whose ledger fails is told later, once, before the next one", async () => {
    await at.add("told", "told-a");
    at.entries.length = 0;
    const failing = withLedger(async () => {
      throw new Error("the disk is full");
    });
    const change = { actor: "ann", reason: "" };
    await expect(failing.setAlias("told", "challenger", 1, change)).rejects.toThrow("the disk is full");
    expect((await at.registry.resolve({ model: "told", at: { alias: "challenger" } })).version).toBe(1);
    await at.registry.setAlias("told", "nightly", 1, change);
    expect(at.entries.map(({ subject }) => subject)).toEqual(["told@challenger", "told@nightly"]);
  });

  test("an entry that a process claimed and never told is told by another one after a minute", async () => {
    await at.add("claimed", "claimed-a");
    at.entries.length = 0;
    const change = { actor: "ann", reason: "" };
    let begun = () => {};
    const inAppend = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let end = () => {};
    const dying = withLedger(() => {
      begun();
      return new Promise((_, reject) => {
        end = () => reject(new Error("killed"));
      });
    });
    const lost = dying.setAlias("claimed", "challenger", 1, change).catch(() => "killed");
    await inAppend;
    await at.registry.setAlias("claimed", "nightly", 1, change);
    expect(at.entries.map(({ subject }) => subject)).toEqual(["claimed@nightly"]);
    at.clock.time += 61_000;
    await at.registry.setAlias("claimed", "weekly", 1, change);
    expect(at.entries.map(({ subject }) => subject)).toEqual([
      "claimed@nightly",
      "claimed@challenger",
      "claimed@weekly",
    ]);
    end();
    expect(await lost).toBe("killed");
  });

  test("files are fetched for one caller though another, who began to fetch them, was stopped", async () => {
    await at.add("gated", "gated-a");
    let begun = () => {};
    const isRead = new Promise<void>((resolve) => {
      begun = resolve;
    });
    let open = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const gated: BlobStore = {
      ...at.store,
      async *read(sha256, from, options) {
        begun();
        await gate;
        yield* at.store.read(sha256, from, options);
      },
    };
    const registry = withLedger(async () => {}, gated);
    const reference = { model: "gated", at: { version: 1 } };
    const stop = new AbortController();
    const first = registry.open(reference, stop.signal);
    await isRead;
    const second = registry.open(reference);
    await registry.resolve(reference); // the second one has found the version by now, and waits for the first
    stop.abort();
    open();
    await expect(first).rejects.toMatchObject({ code: "INTERRUPTED" });
    expect((await readArtifact((await second).folder)).digest).toBe((await second).version.digest);
  });

  test("garbage that is registered again while it is collected is stored again", async () => {
    for (let round = 0; round < 4; round++) {
      const folder = await at.artifact("again");
      const request = { model: `again-${round}`, folder, note: "", actor: "ann", reason: "" };
      const { version } = await at.registry.register(request);
      await at.registry.remove(version.model, 1, request);
      at.clock.time += 2 * day; // nothing holds the files any more
      await Promise.all([
        at.registry.collectGarbage(),
        at.registry.register(request),
        at.registry.collectGarbage(),
      ]);
      const { folder: back } = await at.registry.open({ model: version.model, at: { version: 2 } });
      expect((await readArtifact(back)).digest).toBe(version.digest);
      const copy = await mkdtemp(join(tmpdir(), "fathom-again-"));
      try {
        const again = await at.registry.resolve({ model: version.model, at: { version: 2 } });
        await at.registry.fetch(again, copy); // from the store, not from the copy that was kept
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    }
  });

  test("two machines share a registry in an S3-compatible store, and only models of trusted makers", async () => {
    const account = { bucket: "models", region: "eu-west-1", accessKeyId: "id", secretAccessKey: "s3cret" };
    const server = await startS3Server({ ...account, now: at.clock.now });
    try {
      const machine = (name: string, secretAccessKey = account.secretAccessKey) => {
        const dataFolder = join(home.folder, name);
        const signing = signer({ dataFolder, entropy: systemEntropy });
        const options = {
          ...account,
          secretAccessKey,
          endpoint: server.endpoint,
          clock: at.clock,
          waitMs: 1,
        };
        const registry = openRegistry(at.state, {
          store: s3Store(options),
          signer: signing,
          clock: at.clock,
          cacheFolder: join(dataFolder, "cache"),
          ledger: { check: async () => {}, append: async () => {} },
        });
        return { registry, signing };
      };
      const [one, two, wrong] = [machine("one"), machine("two"), machine("three", "guessed")];
      const folder = await at.artifact("shared", { signed: false });
      await one.signing.sign(folder);
      const request = { model: "shared", folder, note: "", actor: "ann", reason: "" };
      await expect(wrong.registry.register(request)).rejects.toMatchObject({ code: "SIGNER_UNTRUSTED" });
      await one.registry.register(request);
      expect(server.objects.size).toBe(3);

      const reference = { model: "shared", at: { version: 1 } };
      await expect(two.registry.open(reference)).rejects.toMatchObject({ code: "SIGNER_UNTRUSTED" });
      const [key] = await one.signing.keys();
      await two.signing.trust("one", key.pem);
      const { folder: fetched } = await two.registry.open(reference);
      expect(Buffer.from((await readArtifact(fetched)).files["model.onnx"]).toString()).toBe(
        "the graph of shared",
      );
      await wrong.signing.trust("one", key.pem);
      await expect(wrong.registry.open(reference)).rejects.toMatchObject({
        code: "STORE_REFUSED",
        message: expect.stringContaining("SignatureDoesNotMatch"),
      });
    } finally {
      await server.close();
    }
  });
});
