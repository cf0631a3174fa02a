/** `fathom start`: when a model is used again, and what is refused before any training. */
import { copyFile, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { ExtraCommand } from "../../src/interfaces/cli/run.ts";
import { runCli } from "../../src/interfaces/cli/run.ts";
import { expectOwnName } from "../../src/interfaces/cli/serve-models.ts";
import { startCommand } from "../../src/interfaces/cli/start.ts";
import { localContext } from "../../src/platform/local/index.ts";

let folder: string;
const at = (name: string) => join(folder, name);
const prices = (level: number) =>
  [
    "date,close",
    ...Array.from({ length: 120 }, (_, i) => {
      const day = new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10);
      return `${day},${(level + 10 * Math.sin(i / 3) + (i % 7)).toFixed(2)}`;
    }),
  ].join("\n");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-start-"));
  await writeFile(at("a.csv"), prices(100));
  await writeFile(at("b.csv"), prices(200));
});
afterAll(() => rm(folder, { recursive: true }));

async function start(...words: string[]) {
  let [stdout, stderr] = ["", ""];
  const served: unknown[] = [];
  const serve: ExtraCommand = {
    name: "serve",
    summary: "",
    schema: {},
    run: async (input) => void served.push(input),
  };
  const small = ["--epochs", "1", "--hidden-size", "2", "--lookback", "4", "--horizon", "1"];
  const status = await runCli({
    argv: ["start", ...small, "--data-folder", at("data"), ...words],
    capabilities: [],
    commands: [startCommand(serve, localContext)],
    version: "1.2.3",
    environment: {},
    stdout: {
      write: (text) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
    },
    readInput: async () => "{}",
    signal: new AbortController().signal,
    elapsed: () => 0,
    makeContext: (options) => localContext(options),
  });
  return { status, stdout, stderr, served };
}

test("uses a model again for the same request and bytes only, and trains on others", async () => {
  const first = await start("--data", at("a.csv"), "--once", "--json");
  expect(first.status, first.stderr).toBe(0);
  const trained = JSON.parse(first.stdout);
  expect(trained).toMatchObject({ target: "log-return", epochs: 1, resumedFrom: 0 });

  const again = await start("--data", at("a.csv"), "--port", "0", "--json");
  expect(again.stderr).toContain(`model ${trained.artifact} of `);
  expect(again.stderr).toContain("is used again");
  expect(JSON.parse(again.stdout)).toEqual({
    reused: true,
    artifact: trained.artifact,
    report: trained.report,
    target: "log-return",
    parameters: trained.parameters,
    trainedAt: expect.stringMatching(/^\d{4}-/),
    test: trained.test,
  });
  expect(again.served).toEqual([
    { artifact: trained.artifact, port: 0, host: "127.0.0.1", logLevel: "warn", keys: true },
  ]);

  const other = await start("--data", at("a.csv"), "--target", "return", "--once", "--json");
  expect(JSON.parse(other.stdout).artifact).not.toBe(trained.artifact);

  const before = await stat(join(trained.artifact, "manifest.json"));
  const anew = await start("--data", at("a.csv"), "--once", "--retrain");
  expect(anew.stdout).toContain(`model   ${trained.artifact}`);
  expect((await stat(join(trained.artifact, "manifest.json"))).ino).not.toBe(before.ino);
});

test("refuses a name that another training has", async () => {
  expect((await start("--data", at("a.csv"), "--out", "mine", "--once")).status).toBe(0);
  expect((await start("--data", at("a.csv"), "--out", "mine", "--once")).stderr).toContain("is used again");
  const other = await start("--data", at("b.csv"), "--target", "direction", "--out", "mine", "--once");
  expect(other).toMatchObject({ status: 4, stdout: "" });
  expect(other.stderr).toMatch(
    /^error ARTIFACT_DIFFERS: mine: expected the model of this training, found that of another \(--data: expected "b\.csv", found "a\.csv"; --target: expected "direction", found "log-return"\); --retrain replaces it, another --out keeps both$/m,
  );
  const [original, changed] = [at("a.csv"), at("b.csv")];
  await copyFile(original, at("kept.csv"));
  onTestFinished(() => copyFile(at("kept.csv"), original));
  await copyFile(changed, original);
  expect((await start("--data", original, "--out", "mine", "--once")).stderr).toContain(
    "(--data: expected the same bytes, found others)",
  );
  expect((await start("--data", original, "--out", "mine", "--once", "--retrain")).status).toBe(0);
});

test.each([
  ["model.onnx", "x", "ARTIFACT_CORRUPT"],
  ["weights.safetensors", undefined, "ARTIFACT_CORRUPT"],
  ["manifest.json", "{", "SIGNATURE_INVALID"],
  ["manifest.json", '{"format":"fathom-model"}', "SIGNATURE_INVALID"],
  ["manifest.json", undefined, "ARTIFACT_(CORRUPT|FOREIGN)"],
])("refuses a model whose %s is %j", async (file, content, code) => {
  const out = at(`broken-${file}-${content?.length}`);
  expect((await start("--data", at("a.csv"), "--out", out, "--once")).status).toBe(0);
  if (content === undefined) await rm(join(out, file));
  else await writeFile(join(out, file), content);
  const { status, stderr } = await start("--data", at("a.csv"), "--out", out, "--once");
  expect(status).toBe(4);
  expect(stderr).toMatch(new RegExp(`^error ${code}: .*${file}`, "m"));
  expect(stderr).not.toContain("is used again");
});

test("hears of a taken port before it trains", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  onTestFinished(() => void holder.close());
  await new Promise((ready) => holder.once("listening", ready));
  const { port } = holder.address() as AddressInfo;
  const { status, stdout, stderr, served } = await start("--data", at("a.csv"), "--port", String(port));
  expect({ status, stdout, served }).toEqual({ status: 5, stdout: "", served: [] });
  expect(stderr).toBe(
    `error PORT_IN_USE: --port: expected a free port, received ${port}, on which another program listens; choose another one\n`,
  );
});

test("serves no model that requests would take for another of its name, and says so before it trains", async () => {
  const own = at("data/models/twin");
  await mkdir(own, { recursive: true });
  const place = at("elsewhere/twin");
  const refused = await start("--data", at("a.csv"), "--out", place, "--port", "0");
  expect({ ...refused, stderr: undefined }).toEqual({ status: 2, stdout: "", served: [], stderr: undefined });
  expect(refused.stderr).toBe(
    `error INPUT_INVALID: --out: expected a model whose name no other has, received ${place}, and requests would take its name for ${own}: rename one of them\n`,
  );
  expect((await start("--data", at("a.csv"), "--out", place, "--once")).status).toBe(0);
  const expectFree = (path: string) => expectOwnName(path, { dataFolder: at("data"), flag: "--artifact" });
  await writeFile(at("data/models/plain.onnx"), "");
  for (const free of [own, at("elsewhere/other"), at("data/models/plain.onnx")]) await expectFree(free);
  for (const taken of [place, at("elsewhere/plain.onnx"), at("elsewhere/plain"), at("elsewhere/twin.onnx")])
    await expect(expectFree(taken)).rejects.toMatchObject({ details: { field: "artifact" } });
  await rm(own, { recursive: true });
  await symlink(place, own); // the same model under two paths
  await expectFree(place);
});

test("names an empty --data", async () => {
  expect(await start("--data", "", "--once")).toMatchObject({
    status: 2,
    stderr: 'error INPUT_INVALID: --data: expected text of at least 1 character, received ""\n',
  });
});
