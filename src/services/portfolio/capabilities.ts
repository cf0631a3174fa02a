import { capability } from "../../base/index.ts";
import { attribute } from "./attribution/attribute.ts";
import { AttributionInput, AttributionOutput } from "./attribution/schema.ts";
import { attributionTable } from "./attribution/tables.ts";
import { allocate, frontier, optimize } from "./optimise.ts";
import {
  AllocateInput,
  AllocateOutput,
  FrontierInput,
  FrontierOutput,
  OptimizeInput,
  OptimizeOutput,
} from "./schema.ts";
import { allocateTable, frontierTable, optimizeTable } from "./tables.ts";
import { backtest, compare, type Proof } from "./walk-forward/prove.ts";
import { reportFiles } from "./walk-forward/report.ts";
import { BacktestInput, CompareInput, ProofOutput } from "./walk-forward/schema.ts";
import { proofTable } from "./walk-forward/tables.ts";
import { writeFolder } from "./walk-forward/write.ts";

export const portfolioOptimize = capability({
  name: "portfolio.optimize",
  summary: "Weights that are best for an objective under constraints, with a proof of how near they are",
  input: OptimizeInput,
  output: OptimizeOutput,
  paths: ["prices"],
  print: optimizeTable,
  run: optimize,
});

export const portfolioFrontier = capability({
  name: "portfolio.frontier",
  summary: "The least risk at each expected return, with the portfolios that have names",
  input: FrontierInput,
  output: FrontierOutput,
  paths: ["prices"],
  print: frontierTable,
  run: frontier,
});

export const portfolioAllocate = capability({
  name: "portfolio.allocate",
  summary: "Whole shares to buy for weights and a sum of money",
  input: AllocateInput,
  output: AllocateOutput,
  paths: ["prices"],
  print: allocateTable,
  run: allocate,
});

export const portfolioBacktest = capability({
  name: "portfolio.backtest",
  summary: "Methods trained on the past and tested on what follows, again and again, after costs",
  input: BacktestInput,
  output: ProofOutput,
  mode: "task",
  paths: ["prices", "out"],
  print: proofTable,
  run: async (input, context) => reported(await backtest(input, context), input.out),
});

export const portfolioCompare = capability({
  name: "portfolio.compare",
  summary:
    "The same methods under purged and combinatorial cross-validation, and how much of the best is luck",
  input: CompareInput,
  output: ProofOutput,
  mode: "task",
  paths: ["prices", "out"],
  print: proofTable,
  run: async (input, context) => reported(await compare(input, context), input.out),
});

export const portfolioAttribution = capability({
  name: "portfolio.attribution",
  summary: "Why a portfolio did better or worse than its benchmark, and which positions its risk comes from",
  input: AttributionInput,
  output: AttributionOutput,
  paths: ["prices"],
  print: attributionTable,
  run: attribute,
});

/** The output, and the report beside it when a folder was named. */
async function reported(proof: Proof, folder: string | undefined): Promise<ProofOutput> {
  if (folder === undefined) return proof.output;
  return { ...proof.output, files: await writeFolder(folder, reportFiles(proof)) };
}
