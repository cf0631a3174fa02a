import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openLedger } from "../ledger/index.ts";
import { openState, type State } from "../state/index.ts";
import { type Home, homes } from "../state/testing/homes.ts";
import { backup, restore } from "./index.ts";

const clock = { now: () => Date.parse("2026-01-02T03:04:05Z"), elapsed: () => 0 };
const ledgerOf = (state: State) =>
  openLedger(state, {
    clock,
    entropy: { randomBytes: (count) => Buffer.alloc(count, 7) },
    actor: "tester",
    key: () => Promise.reject(new Error("nothing is signed here")),
  });
const longName = `${"deep/".repeat(30)}größe.bin`;

const pairs = homes.flatMap((from) => homes.map((to) => ({ from, to })));

describe.each(pairs)("from $from.name to $to.name", ({ from, to }) => {
  const isFirst = from === homes[0] && to === homes[0];
  let folder: string;
  let source: State;
  let target: State;
  let rest: Home[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "fathom-backup-"));
    rest = [await from.makeHome(), await to.makeHome()];
    source = await openState(rest[0]);
    target = await openState(rest[1]);
    await mkdir(join(folder, "a", "models", "m"), { recursive: true });
    await mkdir(join(folder, "a", "state"), { recursive: true });
    await mkdir(join(folder, "a", "models", longName, ".."), { recursive: true });
    await writeFile(join(folder, "a", "models", "m", "model.onnx"), Buffer.alloc(3_000_000, 5));
    await writeFile(join(folder, "a", "models", longName), "long");
    await writeFile(join(folder, "a", "models", "empty"), "");
    await writeFile(join(folder, "a", "state", "left out"), "x");
  });
  afterEach(async () => {
    await source.close();
    await target.close();
    for (const home of rest) await home.remove();
    await rm(folder, { recursive: true, force: true });
  });
  const file = () => join(folder, "backup.tar.gz");
  const write = () => backup(source, { dataFolder: join(folder, "a"), out: file(), now: clock.now() });
  const read = (replace = false) =>
    restore(async () => target, { dataFolder: join(folder, "b"), from: file(), replace });

  test("brings back every row and every file", async () => {
    const ledger = ledgerOf(source);
    for (let n = 0; n < 1203; n++)
      await ledger.append({ action: "act", subject: `${n}`, payload: { n, text: "it's \\ $1 é" } });
    await ledger.append({
      action: "act",
      subject: "p",
      payload: {},
      personal: { person: "ada", data: { a: 1 } },
    });
    const value = { big: "12345678901234567890", text: '\n\t"' };
    await source.query("insert into fathom.installation values ('x', $1, '2020-01-01T00:00:00.123456Z')", [
      JSON.stringify(value),
    ]);
    const manifest = await write();
    expect(manifest.tables.find(({ name }) => name === "ledger")?.rows).toBe(1204);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    await read();
    const all = (state: State) =>
      state.query(
        "select row_to_json(l) as l, (select json_agg(i) from fathom.installation i) as i from fathom.ledger l order by sequence",
      );
    expect(await all(target)).toEqual(await all(source));
    const restored = ledgerOf(target);
    expect(await restored.verify()).toEqual(await ledger.verify());
    expect(await restored.personal(1204)).toEqual({ a: 1 });
    await restored.append({
      action: "act",
      subject: "q",
      payload: {},
      personal: { person: "grace", data: {} },
    });
    expect((await restored.verify()).sequence).toBe(1205);
    await expect(target.query("delete from fathom.ledger")).rejects.toThrow(/append-only/);
    expect(
      (await readFile(join(folder, "b", "models", "m", "model.onnx"))).equals(Buffer.alloc(3_000_000, 5)),
    ).toBe(true);
    expect(await readFile(join(folder, "b", "models", longName), "utf8")).toBe("long");
    expect(await readFile(join(folder, "b", "models", "empty"), "utf8")).toBe("");
    await expect(stat(join(folder, "b", "state"))).rejects.toThrow();
  });

  if (!isFirst) return; // the rest does not depend on the kind

  test("takes all tables of one moment while others write", async () => {
    const ledger = ledgerOf(source);
    let going = true;
    const writing = (async () => {
      for (let n = 0; going; n++) await ledger.append({ action: "act", subject: `${n}`, payload: {} });
    })();
    await write();
    going = false;
    await writing;
    await read();
    await ledgerOf(target).verify();
  });

  test("goes into a database that was only just made, with what opening it wrote of the installation", async () => {
    await ledgerOf(source).append({ action: "source", subject: "s", payload: {} });
    await write();
    await target.query(
      "insert into fathom.installation (name, value, updated_at) values ('new', '1', now())",
    );
    await read();
    expect(await ledgerOf(target).list({ limit: 9 })).toMatchObject([{ action: "source" }]);
    expect(await target.query("select 1 from fathom.installation where name = 'new'")).toEqual([]);
  });

  test("refuses to overwrite without being told to", async () => {
    await ledgerOf(source).append({ action: "source", subject: "s", payload: {} });
    await write();
    await ledgerOf(target).append({ action: "target", subject: "t", payload: {} });
    await expect(read()).rejects.toMatchObject({ code: "RESTORE_REFUSED" });
    expect(await ledgerOf(target).list({ limit: 9 })).toMatchObject([{ action: "target" }]);
    await read(true);
    expect(await ledgerOf(target).list({ limit: 9 })).toMatchObject([{ action: "source" }]);
  });
});

describe("a backup", () => {
  let folder: string;
  let home: Home;
  let state: State;
  let whole: Buffer;
  const file = () => join(folder, "backup.tar.gz");
  let opened = 0;
  const open = async () => {
    opened++;
    return state;
  };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fathom-backup-"));
    home = await homes[0].makeHome();
    state = await openState(home);
    for (const n of [1, 2, 3])
      await ledgerOf(state).append({ action: "act", subject: `s${n}`, payload: { n } });
    await mkdir(join(folder, "data"));
    await writeFile(join(folder, "data", "ledger.jsonl"), "old\n");
    await backup(state, { dataFolder: join(folder, "data"), out: file(), now: clock.now() });
    whole = gunzipSync(await readFile(file()));
  });
  afterAll(async () => {
    await state.close();
    await home.remove();
    await rm(folder, { recursive: true, force: true });
  });

  test("is a tar file like any other", () => {
    const names = execFileSync("tar", ["tzf", file()], { encoding: "utf8" }).trim().split("\n");
    expect(names).toContain("tables/ledger/000001.jsonl");
    expect(names).toContain("files/ledger.jsonl");
    expect(names.at(-1)).toBe("manifest.json");
  });

  const replaced = (from: string, to: string) =>
    Buffer.from(whole.toString("latin1").replace(from, to), "latin1");
  test.each([
    ["cut", () => gzipSync(whole).subarray(0, -40)],
    ["cut at an entry", () => gzipSync(whole.subarray(0, 512 * 4))],
    ["no tar file", () => gzipSync("x".repeat(2000))],
    ["not compressed", () => whole],
    ["empty", () => Buffer.alloc(0)],
    ["with a changed file", () => gzipSync(replaced("old\n", "new\n"))],
    ["with a name outside", () => gzipSync(replaced("files/ledger.jsonl", "files/../../escape"))],
    ["with a forged ledger", () => gzipSync(replaced('"subject":"s2"', '"subject":"s9"'))],
  ])("that is %s changes nothing", async (_, bytes) => {
    await writeFile(file(), bytes());
    const options = { dataFolder: join(folder, "new"), from: file(), replace: true };
    const { code } = await restore(open, options).catch((error) => error);
    expect(code).toMatch(/^(BACKUP|LEDGER)_BROKEN$/);
    expect((await ledgerOf(state).verify()).sequence).toBe(3);
    expect(opened).toBe(0); // a data folder that was not there is not made either
    await expect(stat(options.dataFolder)).rejects.toThrow();
  });

  test("that meets models is refused before a database is made for it", async () => {
    const dataFolder = join(folder, "occupied");
    await mkdir(join(dataFolder, "models", "m"), { recursive: true });
    await writeFile(file(), gzipSync(whole));
    await expect(restore(open, { dataFolder, from: file(), replace: false })).rejects.toMatchObject({
      code: "RESTORE_REFUSED",
    });
    expect(opened).toBe(0);
  });

  test("takes the place of no other file, and of an older backup when it is told to", async () => {
    const out = join(folder, "keep.tar.gz");
    const write = (replace = false) =>
      backup(state, { dataFolder: join(folder, "data"), out, replace, now: clock.now() });
    await write();
    const before = await readFile(out);
    await expect(write()).rejects.toMatchObject({
      code: "BACKUP_REFUSED",
      message: `${out}: expected no file of that name, found one; --replace replaces an older backup; nothing was changed`,
    });
    expect((await readFile(out)).equals(before)).toBe(true);
    await writeFile(join(folder, "data", "more.txt"), "x");
    expect((await write(true)).digests).toHaveProperty(["files/more.txt"]);
    expect((await readFile(out)).equals(before)).toBe(false);
    for (const content of ["a thesis", gzipSync("a thesis"), gzipSync(whole.subarray(0, 512 * 4))]) {
      await writeFile(out, content);
      await expect(write(true)).rejects.toThrow("found something that is no backup of ours");
      expect((await readFile(out)).equals(Buffer.from(content))).toBe(true);
    }
    await rm(out);
    await mkdir(out);
    await expect(write(true)).rejects.toMatchObject({ code: "BACKUP_REFUSED" });
    expect(await readdir(folder)).not.toContain("keep.tar.gz.part");
  });

  test("of a later version is refused", async () => {
    const [{ hash }] = await state.query<{ hash: string }>(
      "select hash from fathom.migrations order by id limit 1",
    );
    await state.query("insert into fathom.migrations (hash, created_at) values ('later', 1)");
    const later = join(folder, "later.tar.gz");
    await backup(state, { dataFolder: join(folder, "data"), out: later, now: clock.now() });
    await expect(
      restore(open, { dataFolder: join(folder, "new"), from: later, replace: true }),
    ).rejects.toMatchObject({ code: "STATE_NEWER" });
    expect(opened).toBe(0);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });
});
