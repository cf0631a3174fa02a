import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { localModels } from "./models.ts";

let dataFolder: string;
beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "fathom-models-"));
});
afterEach(() => rm(dataFolder, { recursive: true, force: true }));

const manifest = JSON.stringify({ format: "fathom-model" });
const fill = (text: string) => async (folder: string) => {
  await writeFile(join(folder, "manifest.json"), manifest);
  await mkdir(join(folder, "inner"));
  await writeFile(join(folder, "inner", "weights"), text);
};
const weights = (folder: string) => readFile(join(folder, "inner", "weights"), "utf8");
/** All names beside an artifact, so that a forgotten staging folder shows. */
const beside = () => readdir(join(dataFolder, "models"));

test("gives a plain name a folder below the data folder and finds it again", async () => {
  const models = localModels({ dataFolder });
  const folder = await models.create("goog", fill("1"));
  expect(folder).toBe(join(dataFolder, "models", "goog"));
  expect(await models.locate("goog")).toBe(folder);
  expect(await weights(folder)).toBe("1");
  expect(await beside()).toEqual(["goog"]);
});

test("reads a reference with a separator or a leading dot as a path", async () => {
  const models = localModels({ dataFolder, workingFolder: dataFolder });
  expect(await models.create("./here", fill("1"))).toBe(join(dataFolder, "here"));
  expect(await models.create(join(dataFolder, "a", "b"), fill("1"))).toBe(join(dataFolder, "a", "b"));
  expect(await models.locate("a/b")).toBe(join(dataFolder, "a", "b"));
});

test("replaces an artifact whole, and leaves nothing of the old one", async () => {
  const models = localModels({ dataFolder });
  await models.create("m", async (folder) => {
    await fill("old")(folder);
    await writeFile(join(folder, "extra"), "");
  });
  const folder = await models.create("m", async (staging) => {
    expect(await weights(await models.locate("m"))).toBe("old"); // still served while the new one is written
    await fill("new")(staging);
  });
  expect(await weights(folder)).toBe("new");
  expect(await readdir(folder)).toEqual(["inner", "manifest.json"]);
  expect(await beside()).toEqual(["m"]);
});

test("keeps the old artifact and cleans up when writing fails", async () => {
  const models = localModels({ dataFolder });
  await models.create("m", fill("old"));
  const failing = models.create("m", async (folder) => {
    await fill("new")(folder);
    throw new Error("broken rule");
  });
  await expect(failing).rejects.toThrow("broken rule");
  expect(await weights(await models.locate("m"))).toBe("old");
  expect(await beside()).toEqual(["m"]);
});

test.each([
  ["ENOSPC", "DISK_FULL"],
  ["EDQUOT", "DISK_FULL"],
  ["EACCES", "WRITE_FAILED"],
  ["EROFS", "WRITE_FAILED"],
])("answers the system's %s with %s and leaves nothing half-written", async (system, code) => {
  const models = localModels({ dataFolder });
  const failing = models.create("m", async (folder) => {
    await fill("new")(folder);
    throw Object.assign(new Error(`${system}: write`), { code: system });
  });
  await expect(failing).rejects.toMatchObject({ kind: "unavailable", code });
  expect(await beside()).toEqual([]);
});

test.skipIf(process.platform !== "linux")("answers DISK_FULL when the disk really is full", async () => {
  const models = localModels({ dataFolder });
  const failing = models.create("m", async () => writeFile("/dev/full", "x"));
  await expect(failing).rejects.toMatchObject({ code: "DISK_FULL", details: { file: "m" } });
  expect(await beside()).toEqual([]);
});

test("leaves nothing behind when the caller stops it", async () => {
  const controller = new AbortController();
  const models = localModels({ dataFolder, signal: controller.signal });
  const stopped = models.create("m", async (folder) => {
    await fill("new")(folder);
    controller.abort();
  });
  await expect(stopped).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(await beside()).toEqual([]);
});

test("never replaces a folder that is not an artifact", async () => {
  const home = join(dataFolder, "home");
  await mkdir(home);
  await writeFile(join(home, "thesis.txt"), "ten years");
  await writeFile(join(home, "manifest.json"), "{}"); // a web page has one too
  const models = localModels({ dataFolder });
  await expect(models.create(home, fill("new"))).rejects.toMatchObject({ code: "ARTIFACT_FOREIGN" });
  expect(await readFile(join(home, "thesis.txt"), "utf8")).toBe("ten years");
});

test("says before any work what writing would fail with, and leaves no trace of having looked", async () => {
  const models = localModels({ dataFolder: join(dataFolder, "new") });
  expect(await models.prepare("m")).toEqual({ replaces: false });
  expect(await readdir(dataFolder)).toEqual([]);
  const file = join(dataFolder, "file");
  await writeFile(file, "text");
  await expect(models.prepare(file)).rejects.toMatchObject({
    code: "WRITE_FAILED",
    message: `${file}: expected a new name or a trained model to replace, found a file; it was left as it is`,
  });
  await expect(models.prepare(join(file, "m"))).rejects.toMatchObject({
    code: "WRITE_FAILED",
    message: `${file}: expected a folder, found a file`,
  });
  await expect(localModels({ dataFolder: file }).prepare("m")).rejects.toMatchObject({
    code: "WRITE_FAILED",
  });
  await models.create("m", fill("1"));
  expect(await models.prepare("m")).toEqual({ replaces: true });
  const foreign = join(dataFolder, "home");
  await mkdir(foreign);
  await writeFile(join(foreign, "thesis.txt"), "ten years");
  await expect(models.prepare(foreign)).rejects.toMatchObject({ code: "ARTIFACT_FOREIGN" });
});

// A folder below /proc can be named and never made; Node's recursive mkdir tries for ever.
test.skipIf(process.platform !== "linux")("answers where the system makes no folders", async () => {
  const nowhere = join("/proc", String(process.pid), "none", "inner");
  await expect(localModels({ dataFolder: nowhere }).prepare("m")).rejects.toMatchObject({
    kind: "unavailable",
    code: "WRITE_FAILED",
  });
  await expect(localModels({ dataFolder: nowhere }).create("m", fill("1"))).rejects.toMatchObject({
    code: "WRITE_FAILED",
  });
  await expect(localModels({ dataFolder: nowhere }).checkpoints("run")).rejects.toMatchObject({
    code: "WRITE_FAILED",
  });
});

test.skipIf(process.platform === "win32")("gives an artifact the usual mode of a folder", async () => {
  const plain = join(dataFolder, "plain");
  await mkdir(plain);
  const folder = await localModels({ dataFolder }).create("m", fill("1"));
  expect((await stat(folder)).mode).toBe((await stat(plain)).mode);
});

test("refuses to replace a file", async () => {
  const file = join(dataFolder, "file");
  await writeFile(file, "text");
  const models = localModels({ dataFolder });
  await expect(models.create(file, fill("new"))).rejects.toMatchObject({ code: "WRITE_FAILED" });
  expect(await readFile(file, "utf8")).toBe("text");
});

test("puts the old artifact back when a crash fell between the two renames", async () => {
  const models = localModels({ dataFolder });
  const folder = await models.create("m", fill("old"));
  await rename(folder, join(dataFolder, "models", ".m.previous"));
  expect(await weights(await models.locate("m"))).toBe("old");
  expect(await beside()).toEqual(["m"]);
});

test("replaces what a symbolic link points to, and keeps the link", async () => {
  const models = localModels({ dataFolder });
  const real = await models.create(join(dataFolder, "real"), fill("old"));
  const link = join(dataFolder, "link");
  await symlink(real, link);
  await models.create(link, fill("new"));
  expect(await weights(real)).toBe("new");
  expect(await weights(link)).toBe("new");
});

test("names what is missing", async () => {
  const missing = localModels({ dataFolder }).locate("nothing");
  await expect(missing).rejects.toMatchObject({ kind: "missing", code: "ARTIFACT_MISSING" });
});

test("says that a file is none where a folder was expected", async () => {
  const file = join(dataFolder, "file");
  await writeFile(file, "text");
  await expect(localModels({ dataFolder }).locate(file)).rejects.toMatchObject({
    code: "ARTIFACT_MISSING",
    message: `${file}: expected the folder of a trained model, found a file`,
  });
});

test.each(["", "a\0b"])("refuses %j as a name", async (name) => {
  await expect(localModels({ dataFolder }).create(name, fill("1"))).rejects.toMatchObject({
    code: "INPUT_INVALID",
  });
});

test("gives the same run the same checkpoint folder", async () => {
  const models = localModels({ dataFolder });
  const folder = await models.checkpoints("run-1");
  await writeFile(join(folder, "step"), "7");
  expect(await readFile(join(await models.checkpoints("run-1"), "step"), "utf8")).toBe("7");
  await expect(models.checkpoints("../outside")).rejects.toMatchObject({ code: "INPUT_INVALID" });
});
