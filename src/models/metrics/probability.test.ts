import fc from "fast-check";
import { expect, test } from "vitest";
import { areaUnderRoc, categoricalLogLoss, logLoss } from "./probability.ts";

const outcome = [1, 0, 1, 1, 0, 0, 1, 0];
const score = [0.9, 0.4, 0.4, 0.8, 0.1, 0.4, 0.35, 0.8];

test("agrees with scikit-learn 1.2.1, ties included", () => {
  expect(areaUnderRoc(outcome, score)).toBeCloseTo(0.65625, 14); // roc_auc_score(y, s)
  expect(logLoss(outcome, score)).toBeCloseTo(0.6288833248710972, 14); // log_loss(y, s)
  const rows = [0.7, 0.2, 0.1, 0.1, 0.3, 0.6, 0.25, 0.25, 0.5];
  expect(categoricalLogLoss([0, 1, 2], rows, 3)).toBeCloseTo(0.7512649762748712, 14); // log_loss([0, 1, 2], P)
});

test("counts pairs of a positive and a negative case", () => {
  const cases = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.integer({ min: 0, max: 5 })), {
    minLength: 2,
    maxLength: 30,
  });
  fc.assert(
    fc.property(cases, (rows) => {
      let won = 0;
      let pairs = 0;
      for (const [a, s] of rows) {
        for (const [b, t] of rows) {
          if (a !== 1 || b !== 0) continue;
          pairs++;
          won += s > t ? 1 : s === t ? 0.5 : 0;
        }
      }
      const area = areaUnderRoc(
        rows.map(([y]) => y),
        rows.map(([, s]) => s),
      );
      if (pairs === 0) expect(area).toBeNaN();
      else expect(area).toBeCloseTo(won / pairs, 12);
    }),
  );
});

test("charges a wrong certainty 36 nats and a right one nothing", () => {
  expect(logLoss([1], [0])).toBeCloseTo(52 * Math.LN2, 12);
  expect(logLoss([1, 0], [1, 0])).toBeLessThan(1e-15);
});

test("refuses outcomes and probabilities outside their range", () => {
  expect(() => areaUnderRoc([0, 2], [1, 1])).toThrow("expected outcomes 0 and 1, received 2 at 1");
  expect(() => logLoss([1], [1.2])).toThrow("received 1.2 at 0");
  expect(() => categoricalLogLoss([3], [0.5, 0.5], 2)).toThrow(
    "expected a class index below 2, received 3 at 0",
  );
  expect(() => categoricalLogLoss([0], [0.5], 2)).toThrow("expected probabilities [1, 2]");
});
