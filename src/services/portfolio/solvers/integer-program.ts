/** Linear programs with whole numbers, solved by HiGHS (Huangfu and Hall 2018) in WebAssembly. */
import type { Highs } from "highs";
import { PlatformError } from "../../../base/index.ts";
import type { Certificate } from "../problem.ts";

/** `low <= Σ coefficients x <= high`; coefficients by column, zeros left out. */
export interface IntegerRow {
  readonly columns: readonly number[];
  readonly coefficients: readonly number[];
  readonly low: number;
  readonly high: number;
}

export interface IntegerProgram {
  readonly cost: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** Which columns are whole numbers. */
  readonly whole: readonly boolean[];
  readonly rows: readonly IntegerRow[];
}

let loading: Promise<Highs> | null = null;

/** The solver, loaded once for the process: its module has no state between solves. */
async function loadHighs(): Promise<Highs> {
  // Its types describe the CommonJS build, its module exports the loader itself.
  loading ??= import("highs").then(({ default: load }) => (load as unknown as () => Promise<Highs>)());
  return loading;
}

/**
 * The best x of a program that is to be made as small as possible.
 *
 * @throws PlatformError `PORTFOLIO_NOT_SOLVED` when HiGHS does not prove an optimum within the relative gap or the time
 */
export async function solveIntegerProgram(
  { cost, lower, upper, whole, rows }: IntegerProgram,
  { gap = 1e-6, seconds = 60 }: { readonly gap?: number; readonly seconds?: number } = {},
): Promise<{ readonly x: Float64Array; readonly objective: number; readonly certificate: Certificate }> {
  const highs = await loadHighs();
  const starts = new Int32Array(rows.length + 1);
  rows.forEach(({ columns }, i) => {
    starts[i + 1] = starts[i] + columns.length;
  });
  const { continuous, integer } = highs.constants.variableType;
  return highs.withModel(
    {
      numCols: cost.length,
      numRows: rows.length,
      colCost: cost,
      colLower: lower,
      colUpper: upper,
      rowLower: Float64Array.from(rows, ({ low }) => low),
      rowUpper: Float64Array.from(rows, ({ high }) => high),
      matrix: {
        format: "csr",
        numRows: rows.length,
        numCols: cost.length,
        starts,
        indices: Int32Array.from(rows.flatMap(({ columns }) => [...columns])),
        values: Float64Array.from(rows.flatMap(({ coefficients }) => [...coefficients])),
      },
      integrality: whole.map((one) => (one ? integer : continuous)),
    },
    (model) => {
      model.options.set({ output_flag: false, mip_rel_gap: gap, time_limit: seconds });
      model.run();
      const status = model.getModelStatus();
      if (status !== highs.constants.modelStatus.optimal)
        throw new PlatformError(
          "conflict",
          "PORTFOLIO_NOT_SOLVED",
          `HiGHS: expected an optimum within a relative gap of ${gap}, received model status ${status} after at most ${seconds} s`,
        );
      const reached = whole.some((one) => one) ? Number(model.info.get("mip_gap")) : 0;
      return {
        x: Float64Array.from(model.getSolution().colValue),
        objective: model.getObjectiveValue(),
        certificate: { method: "HiGHS branch and cut", gap: Math.max(0, reached), tolerance: gap },
      };
    },
  );
}
