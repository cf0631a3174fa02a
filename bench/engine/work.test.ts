import { expect, test } from "vitest";
import { flopOf } from "./work.ts";

test("counts the products of a dense network", () => {
  // 2-3-1, batch 5: products of 2*5*2*3 = 60 and 2*5*3*1 = 30; the first has no gradient of its input.
  const dense = { name: "", cell: "dense", batch: 5, sizes: [2, 3, 1], peers: [] } as const;
  expect(flopOf({ ...dense, task: "forward" })).toBe(60 + 30);
  expect(flopOf({ ...dense, task: "train" })).toBe(2 * 60 + 3 * 30);
});

test("counts the products of a recurrent network", () => {
  // One step, batch 1, 2 features, 3 units, 4 gates: 2*4*3*2 = 48 for x, 2*4*3*3 = 72 for h, 2*3 = 6 for the output.
  const lstm = {
    name: "",
    cell: "lstm",
    steps: 1,
    batch: 1,
    inFeatures: 2,
    hiddenSize: 3,
    peers: [],
  } as const;
  expect(flopOf({ ...lstm, task: "forward" })).toBe(48 + 72 + 6);
  expect(flopOf({ ...lstm, task: "train" })).toBe(2 * 48 + 3 * 72 + 3 * 6);
  expect(flopOf({ ...lstm, cell: "gru", task: "forward" })).toBe(36 + 54 + 6);
});
