import { generateKeyPairSync } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readArtifact, writeArtifact } from "../../models/index.ts";
import { systemEntropy } from "../local/index.ts";
import { type Signer, signatureName, signer } from "./index.ts";
import { ensureKeyPair } from "./key-file.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "fathom-signing-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const facts = {
  kind: "toy",
  data: { source: "s", fingerprint: "0".repeat(64), from: "2024-01-01", to: "2024-02-01", symbols: ["A"] },
  configuration: {},
  metrics: {},
  parameters: 1,
  versions: {},
  createdAt: "2024-02-02",
};

const installation = (
  name: string,
  options: { unsigned?: "refuse" | "warn"; warn?: (m: string) => void } = {},
) =>
  signer({
    dataFolder: join(root, name),
    entropy: systemEntropy,
    unsigned: options.unsigned,
    logger: { warn: options.warn ?? (() => {}) },
  });

async function artifact(name = "model"): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder);
  await writeArtifact(folder, { "model.onnx": "weights", "notes.txt": name }, facts);
  return folder;
}

async function signed(ours: Signer): Promise<string> {
  const folder = await artifact();
  await ours.sign(folder);
  return folder;
}

/** Checks as a load does: first who signed, then that every file is what was signed. */
async function load(ours: Signer, folder: string) {
  await ours.check(folder);
  return readArtifact(folder);
}

test("loads what it signed, and writes a signature that names key and manifest", async () => {
  const ours = installation("a");
  const folder = await signed(ours);
  const { digest } = await load(ours, folder);
  const [own] = await ours.keys();
  expect(JSON.parse(await readFile(join(folder, signatureName), "utf8"))).toMatchObject({
    algorithm: "ed25519",
    manifest: digest,
    key: own.id,
  });
  expect(await ours.check(folder)).toMatchObject({ key: own.id });
});

test("keeps its private key to its owner", async () => {
  await signed(installation("a"));
  expect((await stat(join(root, "a/keys/installation.pem"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(root, "a/keys"))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(root, "a/keys"))).toEqual(["installation.pem"]);
});

test("has one key, however many ask for it first", async () => {
  const file = join(root, "keys/installation.pem");
  const pairs = await Promise.all(Array.from({ length: 8 }, () => ensureKeyPair(file, systemEntropy)));
  expect(new Set(pairs.map((pair) => pair.public.id)).size).toBe(1);
});

describe("refuses", () => {
  test.each(["manifest.json", "model.onnx", "notes.txt"])(
    "a model with any changed byte of %s",
    async (name) => {
      const ours = installation("a");
      const folder = await signed(ours);
      const file = join(folder, name);
      const content = await readFile(file);
      for (const place of new Set([0, content.length >> 1, content.length - 1])) {
        const changed = Buffer.from(content);
        changed[place] ^= 0x01;
        await writeFile(file, changed);
        await expect(load(ours, folder)).rejects.toMatchObject({
          code: name === "manifest.json" ? "SIGNATURE_INVALID" : "ARTIFACT_CORRUPT",
        });
      }
      await writeFile(file, content);
      await load(ours, folder);
    },
  );

  test("a signature with any changed digit", async () => {
    const ours = installation("a");
    const folder = await signed(ours);
    const file = join(folder, signatureName);
    const text = await readFile(file, "utf8");
    const { signature } = JSON.parse(text) as { signature: string };
    for (const place of [0, 20, 80]) {
      const other = signature[place] === "A" ? "B" : "A";
      const changed = signature.slice(0, place) + other + signature.slice(place + 1);
      await writeFile(file, text.replace(signature, changed));
      await expect(load(ours, folder)).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
    }
    for (const other of ["", "{}", text.slice(0, 50), text.replace("ed25519", "none")]) {
      await writeFile(file, other);
      await expect(load(ours, folder)).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
    }
  });

  test("the signature of another model", async () => {
    const ours = installation("a");
    const [one, two] = [await signed(ours), await artifact("other")];
    await writeFile(join(two, signatureName), await readFile(join(one, signatureName)));
    await expect(load(ours, two)).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
  });

  test("a whole other model, with manifest and digests in order, that a stranger signed", async () => {
    const folder = await signed(installation("stranger"));
    await expect(load(installation("a"), folder)).rejects.toMatchObject({
      code: "SIGNER_UNTRUSTED",
      kind: "forbidden",
    });
  });

  test("a stranger's signature under the name of our key", async () => {
    const ours = installation("a");
    const [own] = await ours.keys();
    const folder = await signed(installation("stranger"));
    const file = join(folder, signatureName);
    const stolen = { ...JSON.parse(await readFile(file, "utf8")), key: own.id };
    await writeFile(file, JSON.stringify(stolen));
    await expect(load(ours, folder)).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
  });

  test("a model without a signature, until somebody who looked at it signs it", async () => {
    const ours = installation("a");
    const folder = await artifact();
    await expect(load(ours, folder)).rejects.toMatchObject({
      code: "SIGNATURE_MISSING",
      message: expect.stringContaining("expected a signed model, found no manifest.json.signature"),
    });
    await ours.sign(folder);
    await load(ours, folder);
  });
});

test("lets a model without a signature through with a warning when it is told to", async () => {
  const warnings: string[] = [];
  const ours = installation("a", { unsigned: "warn", warn: (message) => warnings.push(message) });
  await load(ours, await artifact());
  expect(warnings).toEqual([
    expect.stringContaining("found no manifest.json.signature; it is loaded all the same"),
  ]);
});

test("trusts the key of another installation, and no longer when it is taken away", async () => {
  const [ours, theirs] = [installation("a"), installation("b")];
  const folder = await signed(theirs);
  const [key] = await theirs.keys();
  await ours.trust("factory", key.pem);
  await load(ours, folder);
  expect((await ours.keys()).map(({ name, id }) => [name, id === key.id])).toEqual([
    ["this installation", false],
    ["factory", true],
  ]);
  await rm(join(root, "a/keys/trusted/factory.pem"));
  await expect(load(ours, folder)).rejects.toMatchObject({ code: "SIGNER_UNTRUSTED" });
});

test("does not sign again what another one signed", async () => {
  const folder = await signed(installation("b"));
  const before = await readFile(join(folder, signatureName), "utf8");
  expect(await installation("a").sign(folder)).toBeUndefined();
  expect(await readFile(join(folder, signatureName), "utf8")).toBe(before);
});

describe("says what is wrong with a key:", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const rsaPem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();

  test.each([
    ["text", "no key", /expected an Ed25519 public key as PEM/],
    ["of another type", rsaPem, /expected an Ed25519 public key, received one of type rsa/],
  ])("%s", async (_, pem, message) => {
    await expect(installation("a").trust("x", pem)).rejects.toMatchObject({
      code: "SIGNING_KEY_UNUSABLE",
      message: expect.stringMatching(message),
    });
  });

  test.skipIf(process.platform === "win32")("others may read it", async () => {
    const ours = installation("a");
    const folder = await signed(ours);
    await chmod(join(root, "a/keys/installation.pem"), 0o644);
    await expect(load(ours, folder)).rejects.toMatchObject({
      code: "SIGNING_KEY_UNUSABLE",
      message: expect.stringContaining("expected mode 0600, received 0644"),
    });
  });

  test.each(["../x", "", ".x", "a/b"])("its name is %j", async (name) => {
    await expect(installation("a").trust(name, rsaPem)).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });
});

test("judges the bytes that were read, when the model was replaced meanwhile", async () => {
  const [ours, stranger] = [installation("a"), installation("stranger")];
  const [good, bad] = [await signed(ours), await artifact("bad")];
  await ours.check(good);
  const { digest } = await readArtifact(bad); // another model was put where the good one had been found
  await expect(ours.check(good, digest)).rejects.toMatchObject({ code: "SIGNATURE_INVALID" });
  await stranger.sign(bad);
  await expect(ours.check(bad, digest)).rejects.toMatchObject({ code: "SIGNER_UNTRUSTED" });
});
