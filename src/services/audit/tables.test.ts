import { expect, test } from "vitest";
import { entryTable, verdict } from "./tables.ts";

test("entries are a table with the names of its columns", () => {
  const hash = "0".repeat(64);
  const entry = { sequence: 1, time: "2026-01-01T00:00:00.000Z", actor: "ann", action: "keys.create" };
  const proof = { payload: {}, payloadDigest: hash, sealedDigest: null, previous: hash, hash };
  expect(entryTable({ entries: [{ ...entry, subject: "0123", ...proof }] }).split("\n")).toEqual([
    "sequence  time                      actor  action       subject",
    "1         2026-01-01T00:00:00.000Z  ann    keys.create  0123",
  ]);
  expect(entryTable({ entries: [] })).toBe("no entries");
});

test("one entry is not several", () => {
  const nobody = { kept: null, signedAt: null, publicKey: null };
  expect(verdict({ entries: 1, hash: "ab", ...nobody })).toBe(
    "1 entry, every one as it was recorded; head ab",
  );
  expect(verdict({ entries: 2, hash: "ab", ...nobody })).toMatch(/^2 entries, /);
});
