import { dot, matrix } from "../../../base/index.ts";
import { feasibleSet } from "../constraints/feasible.ts";
import type { FeasibleSet } from "../constraints/feasible-set.ts";
import { minimise } from "../solvers/minimise.ts";
import type { Answer, ObjectiveInput } from "./input.ts";

/** Weights in proportion to `shares`, or the nearest that the constraints allow, with a warning. */
export function nearestTo({ market, limits }: ObjectiveInput, shares: Float64Array): Answer {
  const total = shares.reduce((sum, value) => sum + value, 0);
  const wanted = shares.map((value) => (value * (limits.netExposure ?? 1)) / total);
  const set = feasibleSet(limits, market);
  if (allows(set, wanted))
    return {
      weights: wanted,
      certificate: { method: "closed form", gap: 0, tolerance: 0 },
      objective: 0,
      warnings: [],
    };
  const quadratic = matrix(set.size, set.size);
  const linear = new Float64Array(set.size);
  for (let i = 0; i < set.size; i++) {
    quadratic.data[i * set.size + i] = i < set.assets ? 1 : 1e-9;
    if (i < set.assets) linear[i] = -wanted[i];
  }
  const { x, certificate } = minimise({ set, quadratic, linear });
  let distance = 0;
  for (let i = 0; i < set.assets; i++) distance = Math.max(distance, Math.abs(x[i] - wanted[i]));
  const exact = distance < 1e-7;
  return {
    weights: exact ? wanted : x.slice(0, set.assets),
    certificate: exact ? { method: "closed form", gap: 0, tolerance: 0 } : certificate,
    objective: distance,
    warnings: exact
      ? []
      : [
          `the constraints do not allow these weights: the nearest ones differ by up to ${distance.toFixed(4)}`,
        ],
  };
}

/** Whether weights lie inside of bounds and rows that need no helping variables to be stated; false where that cannot be told. */
function allows({ assets, size, lower, upper, rows, cones }: FeasibleSet, weights: Float64Array): boolean {
  if (size !== assets || cones.length > 0) return false;
  const near = 1e-10;
  return (
    weights.every((value, i) => value >= lower[i] - near && value <= upper[i] + near) &&
    rows.every(({ kind, coefficients, bound }) => {
      const excess = dot(coefficients, weights) - bound;
      return kind === "=" ? Math.abs(excess) <= near : excess <= near;
    })
  );
}
