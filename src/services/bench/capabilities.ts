import { capability } from "../../base/index.ts";
import { benchEngine } from "./engine.ts";
import { EngineBenchInput, EngineBenchOutput } from "./schema.ts";
import { engineTable } from "./tables.ts";

export const benchEngineCapability = capability({
  name: "bench.engine",
  summary: "How fast this machine trains networks, and which operators the time goes to",
  effect: "reads",
  input: EngineBenchInput,
  output: EngineBenchOutput,
  mode: "task",
  print: engineTable,
  run: benchEngine,
});
