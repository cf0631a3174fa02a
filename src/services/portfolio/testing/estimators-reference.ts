/** The stored numbers of scikit-learn, scipy and pandas; `estimators-reference.py` made them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface ReferenceCase {
  readonly returns: number[][];
  readonly ledoitWolf: { readonly covariance: number[][]; readonly intensity: number };
  readonly oas: { readonly covariance: number[][]; readonly intensity: number };
  readonly nonlinear?: number[][];
  readonly gerber: number[][];
  readonly ewm: number[][];
  readonly graphicalLasso: {
    readonly penalty: number;
    readonly correlation: number[][];
    readonly precision: number[][];
  };
  readonly linkage: Readonly<
    Record<
      "single" | "complete" | "average" | "ward",
      {
        readonly merges: number[][];
        readonly leaves: number[];
        /** Of the best of all orders, where there are few enough to try. */
        readonly shortestOrder: number | null;
        readonly clusters3: number[];
        readonly cophenetic: number;
      }
    >
  >;
}

export const referenceCases: readonly ReferenceCase[] = JSON.parse(
  readFileSync(join(import.meta.dirname, "estimators-reference.json"), "utf8"),
).cases;
