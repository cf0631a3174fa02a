import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PlatformError } from "../../base/index.ts";
import { logReturns, pricesFromLogReturns, pricesFromSimpleReturns, simpleReturns } from "./returns.ts";

const close = [100, 110, 99];

describe("returns", () => {
  test("are one fewer than prices", () => {
    expect([...simpleReturns(close)][0]).toBeCloseTo(0.1, 15);
    expect([...simpleReturns(close)][1]).toBeCloseTo(-0.1, 15);
    expect([...logReturns(close)][1]).toBeCloseTo(Math.log(0.9), 15);
    expect(logReturns([100])).toHaveLength(0);
    expect(logReturns([])).toHaveLength(0);
  });

  test("add up over time when they are logarithmic", () => {
    const sum = logReturns(close).reduce((total, value) => total + value, 0);
    expect(sum).toBeCloseTo(Math.log(0.99), 15);
  });

  test("are undone by the prices that follow from them", () => {
    const prices = fc.array(fc.double({ min: 0.01, max: 1e5, noNaN: true }), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(prices, (path) => {
        const back = [
          pricesFromLogReturns(path[0], logReturns(path)),
          pricesFromSimpleReturns(path[0], simpleReturns(path)),
        ];
        // A fall by a factor f costs the simple return f in precision: 1 + r keeps only what is left beside 1.
        return back.every((made) =>
          path.every((price, t) => Math.abs(made[t] - price) <= 1e-7 * (price + 1)),
        );
      }),
    );
  });

  test("refuse prices without a logarithm and say which", () => {
    expect(() => logReturns([1, 0, 2])).toThrow(PlatformError);
    expect(() => logReturns([1, 0, 2])).toThrow("price 1: expected a finite number above 0, received 0");
    expect(() => simpleReturns([1, Number.NaN])).toThrow("price 1");
    expect(() => simpleReturns([Number.POSITIVE_INFINITY])).toThrow("price 0");
  });
});
