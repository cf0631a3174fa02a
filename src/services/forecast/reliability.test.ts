import { expect, test } from "vitest";
import { reliability } from "./reliability.ts";

test("sets what was forecast beside how often it came to pass", () => {
  // Two rows of 40: ten rises where 0.25 was forecast, thirty where 0.75 was.
  const forecast = Float64Array.from({ length: 80 }, (_, i) => (i < 40 ? 0.25 : 0.75));
  const outcome = Float64Array.from({ length: 80 }, (_, i) => (i < 10 || i >= 50 ? 1 : 0));
  const rows = reliability(outcome, forecast);
  expect(rows.map(({ forecast, observed, n }) => [forecast, observed, n])).toEqual([
    [0.25, 0.25, 40],
    [0.75, 0.75, 40],
  ]);
  // Wilson: (p + z²/2n ± z √(p(1 - p)/n + z²/4n²)) / (1 + z²/n) with p = 1/4, n = 40, z = 1.96.
  expect(rows[0].lower).toBeCloseTo(0.14187, 4);
  expect(rows[0].upper).toBeCloseTo(0.40194, 4);
});

test("parts no equal forecasts, and keeps every sample", () => {
  const constant = reliability(new Float64Array(400).fill(1), new Float64Array(400).fill(0.5));
  expect(constant).toHaveLength(1);
  expect(constant[0]).toMatchObject({ forecast: 0.5, observed: 1, upper: 1, n: 400 });
  const forecast = Float64Array.from({ length: 1000 }, (_, i) => Math.floor(i / 300) / 10);
  const rows = reliability(new Float64Array(1000), forecast);
  expect(rows.map(({ n }) => n)).toEqual([300, 300, 300, 100]);
  expect(reliability(new Float64Array(0), new Float64Array(0))).toEqual([]);
});
