import { capability } from "../../base/index.ts";
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
