import { expect, test } from "vitest";
import { measure, median } from "./measure.ts";

const options = { rounds: 4, turnMs: 100, sideMs: 4000, pauseMs: 0 };

/** A side that claims to take `milliseconds`, and notes its turns in `log`. */
const claiming = (label: string, milliseconds: number, log: string[]) => ({
  label,
  step: async (repetitions: number) => {
    log.push(`${label}${repetitions}`);
    return Array.from({ length: repetitions }, () => milliseconds);
  },
});

test("takes turns, as many steps in each as fit", async () => {
  const log: string[] = [];
  const timings = await measure([claiming("a", 20, log), claiming("b", 50, log)], options);
  expect(log.slice(0, 4)).toEqual(["a1", "a2", "b1", "b2"]); // warm-up
  expect(log.slice(4)).toEqual(["a5", "b2", "a5", "b2", "a5", "b2", "a5", "b2"]);
  expect(timings).toEqual([
    { label: "a", median: 20, samples: 20 },
    { label: "b", median: 50, samples: 8 },
  ]);
});

test("gives a side that is too slow fewer turns, and two at least", async () => {
  const [slow, slower] = await measure([claiming("a", 1500, []), claiming("b", 9000, [])], options);
  expect([slow.samples, slower.samples]).toEqual([2, 2]);
});

test("takes the middle", () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
