import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readArtifact, writeArtifact } from "./artifact.ts";

const root = mkdtempSync(join(tmpdir(), "fathom-artifact-"));
const good = join(root, "good");
const facts = {
  kind: "forecast",
  data: { source: "prices.csv", fingerprint: "00", from: "2020-01-01", to: "2020-12-31", symbols: ["A"] },
  configuration: { lookback: 3 },
  metrics: { mse: 1, naive: 2 },
  parameters: 4,
  versions: { fathom: "0" },
  createdAt: "2024-01-01",
};
beforeAll(async () => {
  mkdirSync(good);
  await writeArtifact(good, { "model.onnx": Uint8Array.of(1, 2, 3), "report.html": "<p>" }, facts);
});
afterAll(() => rmSync(root, { recursive: true }));

test("reads back what was written, with the digest of each file", async () => {
  const { manifest, files, digest } = await readArtifact(good, "forecast");
  expect([...files["model.onnx"]]).toEqual([1, 2, 3]);
  expect(manifest).toMatchObject(facts);
  expect(manifest.files["model.onnx"]).toEqual({
    sha256: "039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81", // sha256sum of the bytes 1 2 3
    bytes: 3,
  });
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
});

test("writes no file outside of its folder", async () => {
  const folder = join(root, "outside");
  mkdirSync(folder);
  await expect(writeArtifact(folder, { "../stolen": "x" }, facts)).rejects.toMatchObject({
    code: "INPUT_INVALID",
    message: 'artifact: expected names of files that lie in its folder, received "../stolen"',
  });
});

const edit = (change: (manifest: Record<string, unknown>) => void) => (folder: string) => {
  const path = join(folder, "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8"));
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
};

test.each<[string, string, (folder: string) => void]>([
  ["a changed file", "ARTIFACT_CORRUPT", (folder) => appendFileSync(join(folder, "model.onnx"), "x")],
  ["a missing file", "ARTIFACT_CORRUPT", (folder) => rmSync(join(folder, "model.onnx"))],
  [
    "a second graph that the manifest does not list",
    "ARTIFACT_CORRUPT",
    (folder) => writeFileSync(join(folder, "other.onnx"), "x"),
  ],
  [
    "a manifest that is no JSON",
    "ARTIFACT_CORRUPT",
    (folder) => writeFileSync(join(folder, "manifest.json"), "{"),
  ],
  ["a folder without a manifest", "ARTIFACT_FOREIGN", (folder) => rmSync(join(folder, "manifest.json"))],
  [
    "a model for something else",
    "ARTIFACT_FOREIGN",
    edit((manifest) => {
      manifest["kind"] = "risk";
    }),
  ],
  [
    "a later version",
    "ARTIFACT_FOREIGN",
    edit((manifest) => {
      manifest["version"] = 2;
    }),
  ],
  [
    "a file outside the folder",
    "ARTIFACT_CORRUPT",
    edit((manifest) => {
      manifest["files"] = { "../secret": { sha256: "0".repeat(64), bytes: 1 } };
    }),
  ],
  [
    "a Windows path outside the folder",
    "ARTIFACT_CORRUPT",
    edit((manifest) => {
      manifest["files"] = { "..\\secret": { sha256: "0".repeat(64), bytes: 1 } };
    }),
  ],
  [
    "a digest that is none",
    "ARTIFACT_FOREIGN",
    edit((manifest) => {
      manifest["files"] = { "model.onnx": { sha256: "x", bytes: 1 } };
    }),
  ],
  [
    "the folder of another program",
    "ARTIFACT_FOREIGN",
    (folder) => writeFileSync(join(folder, "manifest.json"), '{"name":"web app"}'),
  ],
  [
    "a folder in place of the manifest",
    "ARTIFACT_CORRUPT",
    (folder) => {
      rmSync(join(folder, "manifest.json"));
      mkdirSync(join(folder, "manifest.json"));
    },
  ],
])("refuses %s", async (name, code, spoil) => {
  const folder = join(root, name.replaceAll(" ", "-"));
  cpSync(good, folder, { recursive: true });
  spoil(folder);
  await expect(readArtifact(folder, "forecast")).rejects.toMatchObject({
    code,
    message: expect.stringContaining(folder),
    details: { file: expect.stringContaining(folder) },
  });
});

test.each<[string, (folder: string) => void]>([
  [
    "a manifest in which one letter was changed",
    edit((manifest) => {
      manifest["createdAt"] = "2024-01-02T00:00:00Z";
    }),
  ],
  ["a manifest without its digest", (folder) => rmSync(join(folder, "manifest.json.sha256"))],
])("refuses %s", async (name, spoil) => {
  const folder = join(root, name.replaceAll(" ", "-"));
  cpSync(good, folder, { recursive: true });
  spoil(folder);
  await expect(readArtifact(folder, "forecast")).rejects.toMatchObject({
    code: "ARTIFACT_CORRUPT",
    message: expect.stringContaining("manifest.json"),
  });
});

test("names the file that was changed", async () => {
  const folder = join(root, "named");
  cpSync(good, folder, { recursive: true });
  appendFileSync(join(folder, "report.html"), "x");
  await expect(readArtifact(folder, "forecast")).rejects.toMatchObject({
    message: expect.stringMatching(/report\.html: expected SHA-256 [0-9a-f]{12}\.\.\., received/),
    details: { file: join(folder, "report.html") },
  });
});

test("says so when there is nothing", async () => {
  await expect(readArtifact(join(root, "none"), "forecast")).rejects.toMatchObject({
    code: "ARTIFACT_MISSING",
  });
});
