import { expect, test } from "vitest";
import { type Training, trainingDifferences, trainingName } from "./identity.ts";
import { TrainInput } from "./schema.ts";
import { sizesOf } from "./sizes.ts";

const training = (input: object, fingerprint = "a"): Training => ({
  input: TrainInput.parse({ data: "prices.csv", ...input }),
  fingerprint,
});
const differences = (asked: Training, made: Training) =>
  trainingDifferences(
    {
      // What a training writes down has the network's own sizes in it.
      configuration: {
        input: { ...made.input, ...sizesOf(made.input, ["close"]) },
        columns: ["close"],
      } as unknown as Parameters<typeof trainingDifferences>[0]["configuration"],
      artifact: { manifest: { data: { fingerprint: made.fingerprint } } },
    },
    asked,
  );

test.each([
  ["the name of the model", training({ out: "mine" })],
  ["where the file lies", training({ data: "/elsewhere/prices.csv" })],
  ["a horizon that is said twice", training({ horizon: [1, 1] })],
  ["a default that is spelled out", training({ target: "log-return", cleaning: { outliers: "hampel" } })],
])("finds the same training whatever %s", (_, other) => {
  expect(trainingName(other)).toBe(trainingName(training({})));
  expect(differences(other, training({}))).toEqual([]);
});

test.each([
  [
    "the target",
    training({ target: "direction" }),
    [{ field: "target", asked: "direction", found: "log-return" }],
  ],
  ["the file's name", training({ data: "p.csv" }), [{ field: "data", asked: "p.csv", found: "prices.csv" }]],
  ["the bytes", training({}, "b"), [{ field: "data", bytes: true }]],
  [
    "symbols that are left out",
    training({ symbols: ["A"] }),
    [{ field: "symbols", asked: ["A"], found: undefined }],
  ],
])("tells trainings apart by %s", (_, other, expected) => {
  expect(trainingName(other)).not.toBe(trainingName(training({})));
  expect(differences(other, training({}))).toEqual(expected);
});

test("finds the same training when a size is spelled out that the network has by default", () => {
  expect(differences(training({ hiddenSize: 32 }), training({}))).toEqual([]);
  expect(differences(training({ hiddenSize: 33 }), training({}))).toEqual([
    { field: "hiddenSize", asked: 33, found: 32 },
  ]);
});
