import { expect, test } from "vitest";
import { type CheckpointStore, noCheckpoints } from "../../models/index.ts";
import { withNotes } from "./continuation.ts";

const after = (epochs: number) =>
  ({ history: Array.from({ length: epochs }, (_, i) => ({ epoch: i + 1 })) }) as unknown as Parameters<
    CheckpointStore["save"]
  >[0];

function heard(store: CheckpointStore) {
  const lines: string[] = [];
  const stop = new AbortController();
  const logger = { info: (line: string) => void lines.push(line), warn() {} };
  return { lines, stop, store: withNotes(store, { logger, signal: stop.signal }) };
}

test("says from which epoch an interrupted training goes on, and nothing of a fresh one", async () => {
  const fresh = heard(noCheckpoints);
  await fresh.store.load();
  expect(fresh.lines).toEqual([]);
  const stored = heard({ ...noCheckpoints, load: async () => after(7) });
  expect(await stored.store.load()).toEqual(after(7));
  expect(stored.lines).toEqual(["continues from epoch 7 of an interrupted training"]);
});

test("says at an interruption that the training is kept", async () => {
  const { lines, stop, store } = heard(noCheckpoints);
  await store.save(after(3));
  stop.abort();
  expect(lines).toEqual(["the training is kept up to its last whole epoch; the same command continues it"]);
});

test("promises nothing before the first whole epoch, nor when the model is written", async () => {
  const early = heard(noCheckpoints);
  await early.store.load();
  early.stop.abort();
  expect(early.lines).toEqual([]);
  const late = heard(noCheckpoints);
  await late.store.save(after(3));
  await late.store.clear();
  late.stop.abort();
  expect(late.lines).toEqual([]);
});
