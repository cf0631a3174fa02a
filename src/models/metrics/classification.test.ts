import { expect, test } from "vitest";
import { accuracy, confusionMatrix, f1Score, precision, recall } from "./classification.ts";

const outcome = [0, 1, 2, 0, 1, 2, 2, 1, 0, 2];
const forecast = [0, 2, 1, 0, 0, 2, 2, 1, 1, 2];

test("agrees with scikit-learn 1.2.1 on three classes", () => {
  // confusion_matrix, accuracy_score, and the three scores with average="macro" and "micro"
  expect(confusionMatrix(outcome, forecast)).toEqual({
    labels: [0, 1, 2],
    counts: [
      [2, 1, 0],
      [1, 1, 1],
      [0, 1, 3],
    ],
  });
  expect(accuracy(outcome, forecast)).toBe(0.6);
  for (const score of [precision, recall, f1Score]) {
    expect(score(outcome, forecast, { average: "macro" })).toBeCloseTo(0.5833333333333334, 14);
    expect(score(outcome, forecast, { average: "micro" })).toBeCloseTo(0.6, 14);
  }
});

test("scores the positive class: 3 right, 5 forecast, 4 present", () => {
  const y = [1, 0, 1, 1, 0, 0, 1, 0];
  const f = [1, 1, 1, 0, 0, 1, 1, 0];
  expect(precision(y, f)).toBe(3 / 5);
  expect(recall(y, f)).toBe(3 / 4);
  expect(f1Score(y, f)).toBeCloseTo((2 * 3) / (5 + 4), 14);
  expect(recall(y, f, { positive: 0 })).toBe(2 / 4);
  expect(precision(["up", "down"], ["up", "up"], { positive: "up" })).toBe(0.5);
});

test("gives 0 where a class was never forecast or never came", () => {
  expect(precision([1, 0], [0, 0])).toBe(0);
  expect(recall([0, 0], [1, 0])).toBe(0);
  expect(f1Score([0, 0], [0, 0])).toBe(0);
});

test("keeps the order of classes it is given and refuses a foreign one", () => {
  expect(confusionMatrix(["b"], ["a"], ["b", "a", "c"]).counts).toEqual([
    [0, 1, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]);
  expect(() => confusionMatrix(["a"], ["z"], ["a", "b"])).toThrow("expected one of a, b, received z at 0");
  expect(() => accuracy([1], [])).toThrow("received 1 outcomes and 0 forecasts");
});
