/**
 * Where an interior-point run stands: x, the multipliers y of equalities, slacks s and multipliers z. One step is Mehrotra's: a
 * predictor towards `s z = 0` tells how far to centre, a corrector goes towards
 *
 *   s z = σ μ - ds dz   with   μ = Σ s z / count,   σ = (μ after the predictor / μ)³
 *
 * of cones by their own product, and stops short of where a slack or a multiplier would become 0.
 */
import { dot, multiplyTransposedVector, multiplyVector } from "../../../base/index.ts";
import { KktSystem, type RightSide } from "./kkt-system.ts";
import {
  type ConeScaling,
  coneMargin,
  coneProduct,
  coneScaling,
  coneStep,
  scaleByCone,
  unscaleByCone,
} from "./second-order-cone.ts";
import {
  add,
  move,
  objectiveAt,
  type PrimalDual,
  residual,
  type StandardForm,
  slackAt,
} from "./standard-form.ts";

export class PrimalDualIterate {
  readonly #form: StandardForm;
  readonly #at: PrimalDual;
  /** The hidden variables, a view of the last slacks. */
  readonly #u: Float64Array;

  /** x = 0 with slacks and multipliers 1, the unit of cones: their scaling is the identity there. */
  constructor(form: StandardForm) {
    const { linear, equalities, cones, slacks, hiddenAt } = form;
    this.#form = form;
    this.#at = {
      x: new Float64Array(linear.length),
      y: new Float64Array(equalities.matrix.rows),
      s: new Float64Array(slacks).fill(1),
      z: new Float64Array(slacks).fill(1),
      coneS: cones.map(({ offset }) => unit(offset.length)),
      coneZ: cones.map(({ offset }) => unit(offset.length)),
    };
    this.#u = this.#at.s.subarray(hiddenAt);
  }

  /** The variables now; they change with the next step. */
  get x(): Float64Array {
    return this.#at.x;
  }

  /** The point that is nearest to keeping all rows, with slacks and multipliers pushed to where they are positive. */
  start(): void {
    const form = this.#form;
    const { linear, equalities, cones, first, cost, curvature, rowsAt, hiddenAt } = form;
    const { x, y, s, z, coneS, coneZ } = this.#at;
    const system = KktSystem.at(form, this.#at, this.#scalings());
    if (system === null) return; // the first step fails then, and says so
    // One step towards the least squares of the slacks.
    const direction = system.solve({
      dual: linear,
      slack: slackAt(form, x, this.#u),
      coneSlack: cones.map(({ offset }) => offset),
      hidden: cost,
      complement: new Float64Array(s.length),
      coneComplement: cones.map(({ offset }) => new Float64Array(offset.length)),
      equality: equalities.bounds,
    });
    x.set(direction.x);
    y.set(direction.y);
    const slack = slackAt(form, x, this.#u);
    const cone = cones.map(({ matrix: rows, offset }) => residual(offset, rows, x));
    let lowest = 0;
    let lowestDual = 0;
    let typical = 0;
    for (let i = 0; i < hiddenAt; i++) {
      lowest = Math.min(lowest, slack[i]);
      lowestDual = Math.min(lowestDual, direction.z[i]);
      typical += Math.abs(slack[i]) / Math.max(1, hiddenAt);
    }
    for (const v of cone) lowest = Math.min(lowest, coneMargin(v));
    for (const v of direction.coneZ) lowestDual = Math.min(lowestDual, coneMargin(v));
    const shift = lowest < 0 ? -lowest : 0;
    const least = Math.max(1e-3, 0.1 * typical);
    for (let i = 0; i < hiddenAt; i++) {
      s[i] = Math.max(slack[i] + shift, least);
      z[i] = Math.max(direction.z[i] - lowestDual, 0.1);
    }
    cone.forEach((v, c) => {
      coneS[c].set(v);
      coneS[c][0] += shift + Math.max(0, least - (coneMargin(v) + shift));
      coneZ[c].set(direction.coneZ[c]);
      coneZ[c][0] += -lowestDual + 0.1;
    });
    this.#u.fill(least);
    for (let k = 0; k < cost.length; k++) {
      const half = cost[k] / 2;
      const floor = 0.01 * (cost[k] + curvature[k]);
      z[hiddenAt + k] = Math.max(half, floor);
      z.fill(
        Math.max(half / Math.max(1, first[k + 1] - first[k]), floor),
        rowsAt + first[k],
        rowsAt + first[k + 1],
      );
    }
  }

  /**
   * The gap that the multipliers prove, and the largest violation of a constraint. Residuals of the dual side count as what
   * they could change within the reach of x.
   */
  measure(): { gap: number; primal: number; finite: boolean } {
    const { slack, coneSlack, dual, hidden, equality } = this.#residuals();
    const { x, y, z, coneZ } = this.#at;
    let primal = largest(slack);
    let bound = addProducts(0, slack, z);
    coneSlack.forEach((one, c) => {
      primal = Math.max(primal, largest(one));
      bound = addProducts(bound, one, coneZ[c]);
    });
    bound += largest(dual) * Math.max(1, largest(x)) * Math.sqrt(dual.length);
    bound = addProducts(bound, hidden, this.#u);
    primal = Math.max(primal, largest(equality));
    bound = addProducts(bound, equality, y);
    const objective = objectiveAt(this.#form, x);
    const gap = (Math.abs(this.#complementarity()) + bound) / Math.max(Math.abs(objective), 1e-3);
    return { gap, primal, finite: Number.isFinite(gap) && Number.isFinite(primal) };
  }

  /** One predictor and corrector. False when the system cannot be solved any more. */
  step(): boolean {
    const { s, z, coneS } = this.#at;
    const residuals = this.#residuals();
    const scalings = this.#scalings();
    const count = s.length + coneS.length;
    const mu = this.#complementarity() / count;
    const system = KktSystem.at(this.#form, this.#at, scalings);
    if (system === null) return false;
    const towards = (target: number, second: PrimalDual | null): RightSide => ({
      ...residuals,
      complement: s.map((one, i) => target - one * z[i] - (second ? second.s[i] * second.z[i] : 0)),
      coneComplement: scalings.map((scaling, c) => {
        const product = coneProduct(scaling.meeting, scaling.meeting);
        const correction = second
          ? coneProduct(unscaleByCone(scaling, second.coneS[c]), scaleByCone(scaling, second.coneZ[c]))
          : null;
        return product.map((value, i) => (i === 0 ? target : 0) - value - (correction ? correction[i] : 0));
      }),
    });
    // It only says how far to centre: it need not be exact.
    const predictor = system.solve(towards(0, null));
    const reach = this.#longest(predictor, 1);
    const after = this.#complementarityAfter(predictor, reach) / count;
    const centring = Math.min(1, Math.max(0, after / mu)) ** 3;
    const corrector = system.refined(towards(centring * mu, predictor));
    const longest = this.#longest(corrector, 1 / 0.995);
    const length = Math.min(1, 0.995 * longest);
    if (!(length > 1e-14)) return false;
    move(this.#at, corrector, length);
    return true;
  }

  #scalings(): ConeScaling[] {
    const { coneS, coneZ } = this.#at;
    return coneS.map((s, c) => coneScaling(s, coneZ[c]));
  }

  #complementarity(): number {
    const { s, z, coneS, coneZ } = this.#at;
    let sum = dot(s, z);
    for (let c = 0; c < coneS.length; c++) sum += dot(coneS[c], coneZ[c]);
    return sum;
  }

  /** What the complementarity would be after a step of this length. */
  #complementarityAfter(direction: PrimalDual, length: number): number {
    const { s, z, coneS, coneZ } = this.#at;
    let sum = addComplementarity(0, s, z, direction.s, direction.z, length);
    for (let c = 0; c < coneS.length; c++)
      sum = addComplementarity(sum, coneS[c], coneZ[c], direction.coneS[c], direction.coneZ[c], length);
    return sum;
  }

  /** The longest step that leaves slacks and multipliers what they must be, at most `limit`. */
  #longest(direction: PrimalDual, limit: number): number {
    const { s, z, coneS, coneZ } = this.#at;
    const { s: ds, z: dz } = direction;
    let best = limit;
    for (let i = 0; i < s.length; i++) {
      if (ds[i] < 0) best = Math.min(best, -s[i] / ds[i]);
      if (dz[i] < 0) best = Math.min(best, -z[i] / dz[i]);
    }
    for (let c = 0; c < coneS.length; c++) {
      best = coneStep(coneS[c], direction.coneS[c], best);
      best = coneStep(coneZ[c], direction.coneZ[c], best);
    }
    return best;
  }

  #residuals(): Omit<RightSide, "complement" | "coneComplement"> {
    const form = this.#form;
    const { quadratic, linear, equalities, cones, rows, simple, first, cost, curvature } = form;
    const { rowsAt, hiddenAt } = form;
    const { index, sign } = simple;
    const { x, y, s, z, coneS, coneZ } = this.#at;
    const u = this.#u;
    const slack = slackAt(form, x, u);
    add(slack, s.subarray(0, hiddenAt), -1);
    const coneSlack = cones.map(({ matrix: own, offset }, c) => {
      const left = residual(offset, own, x);
      add(left, coneS[c], -1);
      return left;
    });
    // Px + q + Aᵀy + Gᵀz
    const dual = quadratic ? multiplyVector(quadratic, x) : new Float64Array(linear.length);
    const fromEqualities = multiplyTransposedVector(equalities.matrix, y);
    const fromRows = multiplyVector(rows, z.subarray(rowsAt, hiddenAt));
    for (let j = 0; j < dual.length; j++) dual[j] += linear[j] + fromEqualities[j] + fromRows[j];
    for (let i = 0; i < index.length; i++) dual[index[i]] += sign[i] * z[i];
    cones.forEach(({ matrix: own }, c) => {
      add(dual, multiplyTransposedVector(own, coneZ[c]));
    });
    // c + κ u - Eᵀz - z(u)
    const hidden = new Float64Array(cost.length);
    for (let k = 0; k < hidden.length; k++) {
      let sum = cost[k] + curvature[k] * u[k] - z[hiddenAt + k];
      for (let r = first[k]; r < first[k + 1]; r++) sum -= z[rowsAt + r];
      hidden[k] = sum;
    }
    return { slack, coneSlack, dual, hidden, equality: residual(equalities.bounds, equalities.matrix, x) };
  }
}

/** The unit of a cone's product. */
function unit(length: number): Float64Array {
  const out = new Float64Array(length);
  out[0] = 1;
  return out;
}

/** The largest absolute value. */
function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]));
  return most;
}

/** `sum + Σ |a b|` */
function addProducts(sum: number, a: Float64Array, b: Float64Array): number {
  let out = sum;
  for (let i = 0; i < a.length; i++) out += Math.abs(a[i] * b[i]);
  return out;
}

/** `sum + Σ (s + length ds) (z + length dz)` */
function addComplementarity(
  sum: number,
  s: Float64Array,
  z: Float64Array,
  ds: Float64Array,
  dz: Float64Array,
  length: number,
): number {
  let out = sum;
  for (let i = 0; i < s.length; i++) out += (s[i] + length * ds[i]) * (z[i] + length * dz[i]);
  return out;
}
