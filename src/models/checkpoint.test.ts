import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { type FitState, folderCheckpoints } from "./checkpoint.ts";
import { decode, encode, type StoredTensor } from "./safetensors.ts";

const root = mkdtempSync(join(tmpdir(), "fathom-checkpoint-"));
afterAll(() => rmSync(root, { recursive: true }));
const newFolder = () => mkdtempSync(join(root, "run-"));

const record = { epoch: 1, trainLoss: 0.1 + 0.2, validationLoss: 1 / 3, learningRate: 1e-3, gradientNorm: 7 };
const state: FitState = {
  training: {
    parameters: Float32Array.of(1.5, -0, 3e-39),
    memory: { mean: Float32Array.of(1, 2, 3), squares: Float32Array.of(4, 5, 6) },
    step: 12,
  },
  best: Float32Array.of(7, 8, 9),
  bestEpoch: 1,
  history: [record, { ...record, epoch: 2, validationLoss: 0.5 }],
};

test("gives back every bit that was saved, and keeps one file", async () => {
  const folder = newFolder();
  const store = folderCheckpoints(folder, "one");
  expect(await store.load()).toBeUndefined();
  await store.save({ ...state, bestEpoch: 2 });
  await store.save(state);
  expect(await store.load()).toEqual(state);
  expect(readdirSync(folder)).toEqual(["checkpoint.safetensors"]);
  await store.clear();
  expect(await store.load()).toBeUndefined();
});

test("leaves the state of another run alone", async () => {
  const folder = newFolder();
  await folderCheckpoints(folder, "one").save(state);
  expect(await folderCheckpoints(folder, "two").load()).toBeUndefined();
  expect(await folderCheckpoints(folder, "one").load()).toEqual(state);
});

test("says which folder cannot be written", async () => {
  writeFileSync(join(root, "such"), "a file where a folder should be");
  const store = folderCheckpoints(join(root, "such", "folder"), "one");
  await expect(store.save(state)).rejects.toMatchObject({
    code: "WRITE_FAILED",
    message: `${join(root, "such")}: expected a folder, found a file`,
  });
});

type Parts = { tensors: Map<string, StoredTensor>; metadata: Map<string, string> };
test.each<[string, (parts: Parts) => void, string]>([
  ["without parameters", ({ tensors }) => tensors.delete("parameters"), 'a tensor "parameters" of F32'],
  [
    "with parameters of another type",
    ({ tensors }) => tensors.set("best", { type: "I32", shape: [1], data: Int32Array.of(1) }),
    'a tensor "best" of F32',
  ],
  ["without a step", ({ metadata }) => metadata.delete("step"), 'a whole number "step"'],
  ["with an odd step", ({ metadata }) => metadata.set("step", "1.5"), 'a whole number "step"'],
  ["with a history that is no JSON", ({ metadata }) => metadata.set("history", "["), "a history of epochs"],
  [
    "with a history of something else",
    ({ metadata }) => metadata.set("history", "[1]"),
    "a history of epochs",
  ],
  [
    "whose best epoch is none",
    ({ metadata }) => metadata.set("bestEpoch", "3"),
    "the best of 2 epochs, received 3",
  ],
])("refuses a state %s", async (_, spoil, message) => {
  const folder = newFolder();
  const path = join(folder, "checkpoint.safetensors");
  await folderCheckpoints(folder, "one").save(state);
  const file = decode(readFileSync(path), path);
  const parts = { tensors: new Map(file.tensors), metadata: new Map(file.metadata) };
  spoil(parts);
  writeFileSync(path, encode(parts.tensors, parts.metadata));
  await expect(folderCheckpoints(folder, "one").load()).rejects.toMatchObject({
    code: "ARTIFACT_CORRUPT",
    message: expect.stringContaining(message),
    details: { file: path },
  });
});

test("refuses a state in which a single bit was flipped, and says how to go on", async () => {
  const folder = newFolder();
  const path = join(folder, "checkpoint.safetensors");
  await folderCheckpoints(folder, "one").save(state);
  const bytes = readFileSync(path);
  bytes[bytes.length - 3] ^= 4; // in the middle of a number
  writeFileSync(path, bytes);
  await expect(folderCheckpoints(folder, "one").load()).rejects.toMatchObject({
    code: "ARTIFACT_CORRUPT",
    message: expect.stringMatching(/expected the digest .* delete the file to train from the start$/),
  });
});

test("is written by two trainings of the same run at once, and cleared under one of them", async () => {
  const folder = newFolder();
  const [one, other] = [folderCheckpoints(folder, "one"), folderCheckpoints(folder, "one")];
  await Promise.all(Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? one : other).save(state)));
  expect(readdirSync(folder)).toEqual(["checkpoint.safetensors"]);
  await one.clear();
  await other.save(state);
  expect(await other.load()).toEqual(state);
});

test("refuses a file that was cut short at any place", async () => {
  const folder = newFolder();
  const path = join(folder, "checkpoint.safetensors");
  await folderCheckpoints(folder, "one").save(state);
  const bytes = readFileSync(path);
  for (let length = 0; length < bytes.length; length += 37) {
    writeFileSync(path, bytes.subarray(0, length));
    await expect(folderCheckpoints(folder, "one").load()).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
  }
});
