import { capability } from "../../base/index.ts";
import { driftCheck } from "./check.ts";
import { DriftCheckInput, DriftCheckOutput } from "./schema.ts";
import { driftTable } from "./tables.ts";

export const driftCheckCapability = capability({
  name: "drift.check",
  summary:
    "Compare new prices, and what a model answers on them, with what the model was made from; kept for /metrics",
  input: DriftCheckInput,
  output: DriftCheckOutput,
  paths: ["data"],
  artifacts: ["artifact"],
  positional: "artifact",
  print: driftTable,
  run: driftCheck,
});
