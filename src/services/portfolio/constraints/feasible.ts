/** All constraints of a request as a set of weights. */
import { type Matrix, matrix, PlatformError, rowOf } from "../../../base/index.ts";
import type { Market } from "../problem.ts";
import type { Cone } from "../solvers/program.ts";
import { ballCone, squareRoot } from "./ball-cone.ts";
import { type FeasibleSet, type Row, withTargetReturn } from "./feasible-set.ts";
import { type Limits, reservedNames } from "./limits.ts";
import { assetIndex, byAsset, finite, optionError } from "./options.ts";
import { riskShareCones } from "./risk-shares.ts";
import { readRelations } from "./words.ts";

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
    this.#lower = new Float64Array(this.#count).fill(finite("min-weight", minWeight));
    this.#upper = new Float64Array(this.#count).fill(finite("max-weight", maxWeight));
    this.#lowerLabels = assets.map(() => `every weight >= ${minWeight}`);
    this.#upperLabels = assets.map(() => `every weight <= ${maxWeight}`);
    for (const [name, [low, high]] of Object.entries(bounds)) {
      const i = assetIndex("bounds", name, assets);
      this.#lower[i] = finite(`lower bound of ${name}`, low);
      this.#upper[i] = finite(`upper bound of ${name}`, high);
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
    this.#pending.push({ label, kind, terms, bound: finite(label, bound) });
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
    if (targetReturn !== undefined) set = withTargetReturn(set, finite("target-return", targetReturn));
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
