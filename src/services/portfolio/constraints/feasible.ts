/** All constraints of a request as bounds, rows and cones over the weights and a few helping variables. */
import {
  choleskyFactor,
  type Matrix,
  matrix,
  multiplyTransposedVector,
  multiplyVector,
  PlatformError,
  rowOf,
  symmetricEigen,
  transpose,
} from "../../../base/index.ts";
import { didYouMean } from "../../../data/index.ts";
import type { Market } from "../problem.ts";
import type { Cone, LinearRows, Program } from "../solvers/program.ts";
import { program } from "../solvers/program.ts";
import { type Limits, reservedNames } from "./limits.ts";
import { riskShareCones } from "./risk-shares.ts";
import { readRelations } from "./words.ts";

/** `coefficients x <= bound`, or `=`; the label is what the user said. */
export interface Row {
  readonly label: string;
  readonly kind: "<=" | "=";
  readonly coefficients: Float64Array;
  readonly bound: number;
}

export interface FeasibleSet {
  /** Weights come first; helping variables follow. */
  readonly assets: number;
  readonly size: number;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly lowerLabels: readonly string[];
  readonly upperLabels: readonly string[];
  readonly rows: readonly Row[];
  readonly cones: readonly (Cone & { readonly label: string })[];
  /** Annual expected return, net of linear costs, `[size]`. */
  readonly netReturn: Float64Array;
  /** `Σ impact x²` is the quadratic part of the cost, `[size]`; null where there is none. */
  readonly impact: Float64Array | null;
}

/**
 * @throws PlatformError `PORTFOLIO_CONSTRAINT_INVALID` when a name is unknown, a number is not one, or a limit is on the side
 *   on which no convex set lies
 */
export function feasibleSet(limits: Limits, market: Market): FeasibleSet {
  const builder = new Builder(limits, market);
  builder.bounds();
  if (limits.netExposure !== null)
    builder.row(`net exposure = ${limits.netExposure}`, "=", new Map([["net", 1]]), limits.netExposure);
  if (limits.grossLimit !== undefined)
    builder.row(`gross exposure <= ${limits.grossLimit}`, "<=", new Map([["gross", 1]]), limits.grossLimit);
  if (limits.turnoverLimit !== undefined)
    builder.row(
      `turnover <= ${limits.turnoverLimit}`,
      "<=",
      new Map([["turnover", 1]]),
      limits.turnoverLimit,
    );
  for (const sentence of limits.constraints)
    for (const { kind, coefficients, constant } of readRelations(sentence, builder.names()))
      builder.row(sentence, kind, coefficients, -constant);
  builder.trackingError();
  builder.riskShares();
  return builder.build();
}

/** The vector of a record by symbol; assets that are not named get 0. */
export function byAsset(
  what: string,
  record: Readonly<Record<string, number>>,
  assets: readonly string[],
): Float64Array {
  const out = new Float64Array(assets.length);
  for (const [name, value] of Object.entries(record)) {
    out[assetIndex(what, name, assets)] = finite(what, name, value);
  }
  return out;
}

/** `rowsᵀ rows = a`: Cholesky's factor, or the roots of the eigenvalues where a is only semi-definite. */
export function squareRoot(a: Matrix): Matrix {
  const lower = choleskyFactor(a, 1e-12);
  if (lower !== null) return transpose(lower);
  const { values, vectors } = symmetricEigen(a);
  for (let i = 0; i < a.rows; i++) {
    const root = Math.sqrt(Math.max(0, values[i]));
    const row = rowOf(vectors, i);
    for (let j = 0; j < row.length; j++) row[j] *= root;
  }
  return vectors;
}

/** `|root (x - centre)| <= radius` over the first variables. */
export function ballCone(root: Matrix, centre: Float64Array | null, radius: number, size: number): Cone {
  const rows = matrix(root.rows + 1, size);
  const offset = new Float64Array(root.rows + 1);
  offset[0] = radius;
  if (centre !== null)
    offset.set(
      multiplyVector(root, centre).map((value) => -value),
      1,
    );
  for (let i = 0; i < root.rows; i++)
    for (let j = 0; j < root.columns; j++) rows.data[(i + 1) * size + j] = -root.data[i * root.columns + j];
  return { matrix: rows, offset };
}

/** The set with another row. */
export function withRow(set: FeasibleSet, row: Row): FeasibleSet {
  return { ...set, rows: [...set.rows, row] };
}

/** The set in which the expected return net of costs is at least `target`. */
export function withTargetReturn(set: FeasibleSet, target: number): FeasibleSet {
  return withRow(set, {
    label: `expected return >= ${target}`,
    kind: "<=",
    coefficients: set.netReturn.map((value) => -value),
    bound: -target,
  });
}

/**
 * The cone over the set: all `(t x, t)` with t >= 0, the last variable. A ratio over the set is a minimum over it (Charnes and
 * Cooper 1962).
 */
export function homogeneous(set: FeasibleSet): FeasibleSet {
  const size = set.size + 1;
  const rows: Row[] = set.rows.map((row) => ({
    ...row,
    coefficients: extended(row.coefficients, -row.bound),
    bound: 0,
  }));
  const lower = extended(set.lower, 0);
  const upper = extended(set.upper, Number.POSITIVE_INFINITY);
  for (let i = 0; i < set.size; i++) {
    const unit = (sign: number, bound: number) => {
      const coefficients = new Float64Array(size);
      coefficients[i] = sign;
      coefficients[set.size] = -sign * bound;
      return coefficients;
    };
    if (set.lower[i] !== 0 && Number.isFinite(set.lower[i])) {
      rows.push({ label: set.lowerLabels[i], kind: "<=", coefficients: unit(-1, set.lower[i]), bound: 0 });
      lower[i] = Number.NEGATIVE_INFINITY;
    }
    if (set.upper[i] !== 0 && Number.isFinite(set.upper[i])) {
      rows.push({ label: set.upperLabels[i], kind: "<=", coefficients: unit(1, set.upper[i]), bound: 0 });
      upper[i] = Number.POSITIVE_INFINITY;
    }
  }
  const cones = set.cones.map(({ label, matrix: rowsOfCone, offset }) => {
    const wider = matrix(rowsOfCone.rows, size);
    for (let i = 0; i < rowsOfCone.rows; i++) {
      wider.data.set(rowOf(rowsOfCone, i), i * size);
      wider.data[i * size + set.size] = -offset[i];
    }
    return { label, matrix: wider, offset: new Float64Array(offset.length) };
  });
  return {
    ...set,
    size,
    lower,
    upper,
    lowerLabels: [...set.lowerLabels, "scale"],
    upperLabels: [...set.upperLabels, "scale"],
    rows,
    cones,
    netReturn: extended(set.netReturn, 0),
    impact: set.impact && extended(set.impact, 0),
  };
}

/** The set with `count` free variables more. */
export function widened(set: FeasibleSet, count: number): FeasibleSet {
  let out = set;
  for (let i = 0; i < count; i++) {
    out = {
      ...out,
      size: out.size + 1,
      lower: extended(out.lower, Number.NEGATIVE_INFINITY),
      upper: extended(out.upper, Number.POSITIVE_INFINITY),
      lowerLabels: [...out.lowerLabels, ""],
      upperLabels: [...out.upperLabels, ""],
      rows: out.rows.map((row) => ({ ...row, coefficients: extended(row.coefficients, 0) })),
      cones: out.cones.map((cone) => {
        const wider = matrix(cone.matrix.rows, cone.matrix.columns + 1);
        for (let r = 0; r < wider.rows; r++) wider.data.set(rowOf(cone.matrix, r), r * wider.columns);
        return { ...cone, matrix: wider };
      }),
      netReturn: extended(out.netReturn, 0),
      impact: out.impact && extended(out.impact, 0),
    };
  }
  return out;
}

/** The program of a set with an objective; `parts` replace what they name. */
export function programOf(set: FeasibleSet, parts: Partial<Program>): Program {
  return program(set.size, {
    lower: set.lower,
    upper: set.upper,
    equalities: linearRows(set, "="),
    inequalities: linearRows(set, "<="),
    cones: set.cones,
    ...parts,
  });
}

function linearRows({ rows, size }: FeasibleSet, kind: Row["kind"]): LinearRows {
  const chosen = rows.filter((row) => row.kind === kind);
  const out = matrix(chosen.length, size);
  for (let i = 0; i < chosen.length; i++) out.data.set(chosen[i].coefficients, i * size);
  return { matrix: out, bounds: Float64Array.from(chosen, ({ bound }) => bound) };
}

export function extended(values: Float64Array, last: number): Float64Array {
  const out = new Float64Array(values.length + 1);
  out.set(values);
  out[values.length] = last;
  return out;
}

class Builder {
  readonly #limits: Limits;
  readonly #market: Market;
  readonly #count: number;
  /** Named sums of weights: assets, groups, factors. */
  readonly #named = new Map<string, Float64Array>();
  readonly #pending: {
    label: string;
    kind: Row["kind"];
    terms: ReadonlyMap<string, number>;
    bound: number;
  }[] = [];
  readonly #cones: (Cone & { label: string })[] = [];
  #lower = new Float64Array(0);
  #upper = new Float64Array(0);
  #lowerLabels: string[] = [];
  #upperLabels: string[] = [];

  constructor(limits: Limits, market: Market) {
    this.#limits = limits;
    this.#market = market;
    const { assets } = market;
    this.#count = assets.length;
    assets.forEach((asset, i) => {
      const unit = new Float64Array(this.#count);
      unit[i] = 1;
      this.#named.set(asset, unit);
    });
    for (const [group, members] of Object.entries(limits.groups ?? {})) {
      const sum = new Float64Array(this.#count);
      for (const member of members) sum[assetIndex(`group ${group}`, member, assets)] = 1;
      this.#define("group", group, sum);
    }
    for (const [factor, loadings] of Object.entries(limits.factors ?? {}))
      this.#define("factor", factor, byAsset(`factor ${factor}`, loadings, assets));
  }

  names(): string[] {
    return [...this.#named.keys(), ...reservedNames];
  }

  bounds(): void {
    const { minWeight, maxWeight, bounds = {}, benchmark, activeLimit, netExposure } = this.#limits;
    const { assets } = this.#market;
    this.#lower = new Float64Array(this.#count).fill(number("min-weight", minWeight));
    this.#upper = new Float64Array(this.#count).fill(number("max-weight", maxWeight));
    this.#lowerLabels = assets.map(() => `every weight >= ${minWeight}`);
    this.#upperLabels = assets.map(() => `every weight <= ${maxWeight}`);
    for (const [name, [low, high]] of Object.entries(bounds)) {
      const i = assetIndex("bounds", name, assets);
      this.#lower[i] = number(`lower bound of ${name}`, low);
      this.#upper[i] = number(`upper bound of ${name}`, high);
      this.#lowerLabels[i] = `${assets[i]} >= ${low}`;
      this.#upperLabels[i] = `${assets[i]} <= ${high}`;
    }
    if (activeLimit !== undefined) {
      const centre = this.#benchmark("active-limit", benchmark);
      for (let i = 0; i < this.#count; i++) {
        if (centre[i] - activeLimit > this.#lower[i]) {
          this.#lower[i] = centre[i] - activeLimit;
          this.#lowerLabels[i] = `${assets[i]} >= benchmark - ${activeLimit}`;
        }
        if (centre[i] + activeLimit < this.#upper[i]) {
          this.#upper[i] = centre[i] + activeLimit;
          this.#upperLabels[i] = `${assets[i]} <= benchmark + ${activeLimit}`;
        }
      }
    }
    // An upper bound that the budget implies is left out: nothing changes but the work.
    if (netExposure === null) return;
    let total = 0;
    for (const value of this.#lower) total += value;
    for (let i = 0; i < this.#count; i++)
      if (this.#lower[i] <= this.#upper[i] && this.#upper[i] >= netExposure - (total - this.#lower[i]))
        this.#upper[i] = Number.POSITIVE_INFINITY;
  }

  row(label: string, kind: Row["kind"], terms: ReadonlyMap<string, number>, bound: number): void {
    this.#pending.push({ label, kind, terms, bound: number(label, bound) });
  }

  trackingError(): void {
    const { trackingErrorLimit, benchmark } = this.#limits;
    if (trackingErrorLimit === undefined) return;
    const centre = this.#benchmark("tracking-error-limit", benchmark);
    const cone = ballCone(squareRoot(this.#market.covariance), centre, trackingErrorLimit, this.#count);
    this.#cones.push({ ...cone, label: `tracking error <= ${trackingErrorLimit}` });
  }

  riskShares(): void {
    const { riskShares } = this.#limits;
    if (riskShares === undefined) return;
    for (const cone of riskShareCones(this.#market.covariance, riskShares.limit, riskShares.around))
      this.#cones.push({ ...cone, label: `every share of risk <= ${riskShares.limit}` });
  }

  build(): FeasibleSet {
    const { costBps = 0, impact = 0, targetReturn, targetVolatility } = this.#limits;
    const count = this.#count;
    const needs = (name: string) => this.#pending.some(({ terms }) => terms.has(name));
    const grossAt = needs("gross") || needs("short") ? count : -1;
    const hasTurnover = needs("turnover") || costBps > 0 || impact > 0;
    const turnoverAt = hasTurnover ? count + (grossAt >= 0 ? count : 0) : -1;
    const size = count + (grossAt >= 0 ? count : 0) + (turnoverAt >= 0 ? count : 0);
    const rows: Row[] = [];
    const held = byAsset("holdings", this.#limits.holdings ?? {}, this.#market.assets);
    if (grossAt >= 0) rows.push(...absoluteRows(count, size, grossAt, new Float64Array(count)));
    if (turnoverAt >= 0) rows.push(...absoluteRows(count, size, turnoverAt, held));
    for (const { label, kind, terms, bound } of this.#pending) {
      const coefficients = new Float64Array(size);
      const add = (from: number, factor: number) => {
        for (let i = 0; i < count; i++) coefficients[from + i] += factor;
      };
      for (const [name, factor] of terms) {
        if (name === "net") add(0, factor);
        else if (name === "gross" || name === "turnover" || name === "short") {
          if (factor === 0) continue;
          if (factor < 0 || kind === "=")
            throw new PlatformError(
              "input",
              "PORTFOLIO_CONSTRAINT_INVALID",
              `constraint "${label}": expected an upper limit on ${name}, received a lower one, which no convex method can keep`,
              { field: "constraints" },
            );
          if (name === "turnover") add(turnoverAt, factor);
          else {
            // short = (gross - net) / 2
            add(grossAt, name === "short" ? factor / 2 : factor);
            if (name === "short") add(0, -factor / 2);
          }
        } else {
          const sum = this.#named.get(name) as Float64Array;
          for (let i = 0; i < count; i++) coefficients[i] += factor * sum[i];
        }
      }
      rows.push({ label, kind, coefficients, bound });
    }
    const pad = (values: Float64Array, fill: number) => {
      const out = new Float64Array(size).fill(fill);
      out.set(values);
      return out;
    };
    const netReturn = pad(this.#market.expectedReturns, 0);
    if (turnoverAt >= 0) netReturn.fill(-costBps / 10_000, turnoverAt, turnoverAt + count);
    const impacts = impact > 0 ? new Float64Array(size).fill(impact, turnoverAt, turnoverAt + count) : null;
    const labels = (own: readonly string[]) => [...own, ...new Array<string>(size - count).fill("")];
    let set: FeasibleSet = {
      assets: count,
      size,
      lower: pad(this.#lower, Number.NEGATIVE_INFINITY),
      upper: pad(this.#upper, Number.POSITIVE_INFINITY),
      lowerLabels: labels(this.#lowerLabels),
      upperLabels: labels(this.#upperLabels),
      rows,
      cones: this.#cones.map((cone) => ({ ...cone, matrix: padColumns(cone.matrix, size) })),
      netReturn,
      impact: impacts,
    };
    if (targetReturn !== undefined) set = withTargetReturn(set, number("target-return", targetReturn));
    if (targetVolatility !== undefined) {
      if (!(targetVolatility > 0))
        throw optionError("target-volatility", "a number above 0", targetVolatility);
      const cone = ballCone(squareRoot(this.#market.covariance), null, targetVolatility, size);
      set = { ...set, cones: [...set.cones, { ...cone, label: `volatility <= ${targetVolatility}` }] };
    }
    return set;
  }

  #define(kind: string, name: string, sum: Float64Array): void {
    if (this.#named.has(name) || (reservedNames as readonly string[]).includes(name))
      throw new PlatformError(
        "input",
        "PORTFOLIO_CONSTRAINT_INVALID",
        `${kind} "${name}": expected a name of its own, received one that is taken`,
        { field: `${kind}s` },
      );
    this.#named.set(name, sum);
  }

  #benchmark(what: string, benchmark: Limits["benchmark"]): Float64Array {
    if (benchmark === undefined)
      throw optionError("benchmark", `weights of the benchmark for ${what}`, "none");
    return byAsset("benchmark", benchmark, this.#market.assets);
  }
}

/** `|w - centre| <= helper` of every asset. */
function absoluteRows(count: number, size: number, at: number, centre: Float64Array): Row[] {
  return Array.from({ length: count }, (_, i) =>
    [1, -1].map((sign): Row => {
      const coefficients = new Float64Array(size);
      coefficients[i] = sign;
      coefficients[at + i] = -1;
      return { label: "", kind: "<=", coefficients, bound: sign * centre[i] };
    }),
  ).flat();
}

function padColumns(a: Matrix, size: number): Matrix {
  const out = matrix(a.rows, size);
  for (let i = 0; i < a.rows; i++) out.data.set(rowOf(a, i), i * size);
  return out;
}

function assetIndex(what: string, name: string, assets: readonly string[]): number {
  const exact = assets.indexOf(name);
  const at = exact >= 0 ? exact : assets.findIndex((asset) => asset.toLowerCase() === name.toLowerCase());
  if (at >= 0) return at;
  throw new PlatformError(
    "input",
    "PORTFOLIO_CONSTRAINT_INVALID",
    `${what}: expected the name of an asset, received "${name}"${didYouMean(name, assets)}`,
  );
}

function finite(what: string, name: string, value: number): number {
  return number(`${what} of ${name}`, value);
}

function number(what: string, value: number): number {
  if (Number.isFinite(value)) return value;
  throw optionError(what, "a finite number", value);
}

export function optionError(what: string, expected: string, received: number | string): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_OPTION_INVALID",
    `${what}: expected ${expected}, received ${received}`,
    { field: what },
  );
}

/** Portfolio returns of every scenario, `[scenarios]`. */
export function scenarioReturns(scenarios: Matrix, weights: Float64Array): Float64Array {
  return multiplyTransposedVector(scenarios, weights);
}
