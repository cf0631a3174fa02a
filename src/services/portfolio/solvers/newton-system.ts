/**
 * The state of an interior-point run and its Newton step. With slacks s, multipliers z and the scaling D = z / s (the cones'
 * own one for cones), what is left after slacks, multipliers and hidden variables are eliminated is
 *
 *   (P + Σ D-weighted products of rows) dx + Aᵀ dy = r1,   A dx = r2.
 */
import {
  choleskyFactor,
  choleskySolve,
  dot,
  gramOfRows,
  type Matrix,
  matrix,
  multiplyTransposedVector,
  multiplyVector,
  rowOf,
  transpose,
} from "../../../base/index.ts";
import type { Program } from "./program.ts";
import {
  type ConeScaling,
  coneDivide,
  coneMargin,
  coneProduct,
  coneScaling,
  coneStep,
  scaleByCone,
  unscaleByCone,
} from "./second-order-cone.ts";

/** Bounds as rows: `sign x[index] <= bound`. */
interface Simple {
  readonly index: Int32Array;
  readonly sign: Float64Array;
  readonly bound: Float64Array;
}

/** A direction of everything that moves. */
interface Direction {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly u: Float64Array;
  readonly s: Float64Array;
  readonly z: Float64Array;
  readonly coneS: Float64Array[];
  readonly coneZ: Float64Array[];
}

interface RightSide {
  readonly slack: Float64Array;
  readonly coneSlack: readonly Float64Array[];
  readonly dual: Float64Array;
  readonly hidden: Float64Array;
  readonly equality: Float64Array;
  readonly complement: Float64Array;
  readonly coneComplement: readonly Float64Array[];
}

/** The reduced matrix of one iteration, factored. */
interface Factor {
  /** D of every row. */
  readonly weight: Float64Array;
  readonly reduced: Matrix;
  readonly lower: Matrix;
  /** The reduced matrix's inverse times the equalities' rows. */
  readonly solved: Matrix;
  readonly schurLower: Matrix;
  readonly penalty: number;
}

export class Newton {
  readonly x: Float64Array;
  readonly #program: Program;
  readonly #simple: Simple;
  /** Rows of inequalities and excesses, transposed: `[x, rows]`, the order in which products are taken. */
  readonly #rows: Matrix;
  readonly #bounds: Float64Array;
  /** The hidden variable of each row, -1 for none, and the first row of each hidden variable. */
  readonly #owner: Int32Array;
  readonly #first: Int32Array;
  readonly #hidden: number;
  readonly #cost: Float64Array;
  readonly #curvature: Float64Array;
  readonly #y: Float64Array;
  readonly #u: Float64Array;
  /** Slacks and multipliers: simple bounds, rows, then u >= 0 (whose slack is u). */
  readonly #s: Float64Array;
  readonly #z: Float64Array;
  readonly #coneS: Float64Array[];
  readonly #coneZ: Float64Array[];
  readonly #offset: { readonly rows: number; readonly hidden: number };

  constructor(program: Program) {
    const size = program.linear.length;
    const { inequalities, excesses, equalities, cones } = program;
    this.#program = program;
    this.#simple = simpleRows(program);
    const plain = inequalities.matrix.rows;
    const scenario = excesses?.matrix.rows ?? 0;
    const all = matrix(plain + scenario, size);
    all.data.set(inequalities.matrix.data);
    if (excesses) all.data.set(excesses.matrix.data, plain * size);
    this.#rows = transpose(all);
    this.#bounds = new Float64Array(plain + scenario);
    this.#bounds.set(inequalities.bounds);
    if (excesses) this.#bounds.set(excesses.bounds, plain);
    this.#hidden = excesses?.cost.length ?? 0;
    this.#cost = excesses?.cost ?? new Float64Array(0);
    this.#curvature = excesses?.curvature ?? new Float64Array(0);
    this.#owner = new Int32Array(plain + scenario).fill(-1);
    if (excesses) this.#owner.set(excesses.owner, plain);
    this.#first = new Int32Array(this.#hidden + 1).fill(plain + scenario);
    for (let r = plain + scenario - 1; r >= plain; r--) this.#first[this.#owner[r]] = r;
    for (let k = this.#hidden - 1; k >= 0; k--) this.#first[k] = Math.min(this.#first[k], this.#first[k + 1]);
    this.x = new Float64Array(size);
    this.#y = new Float64Array(equalities.matrix.rows);
    this.#u = new Float64Array(this.#hidden).fill(1);
    this.#offset = {
      rows: this.#simple.index.length,
      hidden: this.#simple.index.length + plain + scenario,
    };
    this.#s = new Float64Array(this.#offset.hidden + this.#hidden).fill(1);
    this.#z = new Float64Array(this.#s.length).fill(1);
    this.#coneS = cones.map(({ offset }) => unit(offset.length));
    this.#coneZ = cones.map(({ offset }) => unit(offset.length));
  }

  /** The point that is nearest to keeping all rows, with slacks and multipliers pushed to where they are positive. */
  start(): void {
    const { linear, equalities, cones } = this.#program;
    const factor = this.#factor(null);
    if (factor === null) return; // the first step fails then, and says so
    // With x = 0, s = z = 1: one step towards the least squares of the slacks.
    const direction = this.#solve(
      {
        dual: Float64Array.from(linear),
        slack: this.#slackAt(),
        coneSlack: cones.map(({ offset }) => Float64Array.from(offset)),
        hidden: Float64Array.from(this.#cost),
        complement: this.#s.map(() => 0),
        coneComplement: cones.map(({ offset }) => new Float64Array(offset.length)),
        equality: Float64Array.from(equalities.bounds),
      },
      factor,
      null,
    );
    this.x.set(direction.x);
    this.#y.set(direction.y);
    const rowsEnd = this.#offset.hidden;
    const slack = this.#slackAt();
    let lowest = 0;
    let lowestDual = 0;
    for (let i = 0; i < rowsEnd; i++) {
      lowest = Math.min(lowest, slack[i]);
      lowestDual = Math.min(lowestDual, direction.z[i]);
    }
    const cone = cones.map(({ matrix: rows, offset }) => {
      const product = multiplyVector(rows, this.x);
      return offset.map((value, i) => value - product[i]);
    });
    for (const v of cone) lowest = Math.min(lowest, coneMargin(v));
    for (const v of direction.coneZ) lowestDual = Math.min(lowestDual, coneMargin(v));
    let typical = 0;
    for (let i = 0; i < rowsEnd; i++) typical += Math.abs(slack[i]) / Math.max(1, rowsEnd);
    const shift = lowest < 0 ? -lowest : 0;
    const least = Math.max(1e-3, 0.1 * typical);
    for (let i = 0; i < rowsEnd; i++) {
      this.#s[i] = Math.max(slack[i] + shift, least);
      this.#z[i] = Math.max(direction.z[i] - lowestDual, 0.1);
    }
    cone.forEach((v, c) => {
      v[0] += shift + Math.max(0, least - (coneMargin(v) + shift));
      this.#coneS[c].set(v);
      const dual = Float64Array.from(direction.coneZ[c]);
      dual[0] += -lowestDual + 0.1;
      this.#coneZ[c].set(dual);
    });
    for (let k = 0; k < this.#hidden; k++) {
      this.#u[k] = Math.max(least, this.#u[k] * least);
      this.#s[rowsEnd + k] = this.#u[k];
      this.#z[rowsEnd + k] = Math.max(this.#cost[k] / 2, 0.01 * (this.#cost[k] + this.#curvature[k]));
      for (let r = this.#first[k]; r < this.#first[k + 1]; r++)
        this.#z[this.#offset.rows + r] = Math.max(
          this.#cost[k] / 2 / Math.max(1, this.#first[k + 1] - this.#first[k]),
          0.01 * (this.#cost[k] + this.#curvature[k]),
        );
    }
  }

  /** The objective at x: hidden variables take their best values. */
  objectiveAt(x: Float64Array): number {
    const { quadratic, linear } = this.#program;
    let sum = dot(linear, x) + (quadratic ? 0.5 * dot(x, multiplyVector(quadratic, x)) : 0);
    if (this.#hidden > 0) {
      const values = multiplyTransposedVector(this.#rows, x);
      for (let k = 0; k < this.#hidden; k++) {
        let u = 0;
        for (let r = this.#first[k]; r < this.#first[k + 1]; r++)
          u = Math.max(u, values[r] - this.#bounds[r]);
        sum += this.#cost[k] * u + 0.5 * this.#curvature[k] * u * u;
      }
    }
    return sum;
  }

  /**
   * The gap that the multipliers prove, and the largest violation of a constraint. Residuals of the dual side count as what
   * they could change within the reach of x.
   */
  measure(): { gap: number; primal: number; finite: boolean } {
    const { slack, coneSlack, dual, hidden, equality } = this.#residuals();
    let complementarity = dot(this.#s, this.#z);
    let bound = 0;
    let primal = 0;
    for (let i = 0; i < this.#offset.hidden; i++) {
      primal = Math.max(primal, Math.abs(slack[i]));
      bound += Math.abs(this.#z[i] * slack[i]);
    }
    coneSlack.forEach((residual, c) => {
      complementarity += dot(this.#coneS[c], this.#coneZ[c]);
      for (let i = 0; i < residual.length; i++) {
        primal = Math.max(primal, Math.abs(residual[i]));
        bound += Math.abs(this.#coneZ[c][i] * residual[i]);
      }
    });
    let reach = 1;
    for (const value of this.x) reach = Math.max(reach, Math.abs(value));
    let worst = 0;
    for (let j = 0; j < dual.length; j++) worst = Math.max(worst, Math.abs(dual[j]));
    bound += worst * reach * Math.sqrt(dual.length);
    for (let k = 0; k < this.#hidden; k++) bound += Math.abs(hidden[k]) * this.#u[k];
    for (let i = 0; i < equality.length; i++) {
      primal = Math.max(primal, Math.abs(equality[i]));
      bound += Math.abs(this.#y[i] * equality[i]);
    }
    const objective = this.objectiveAt(this.x);
    const gap = (Math.abs(complementarity) + bound) / Math.max(Math.abs(objective), 1e-3);
    return { gap, primal, finite: Number.isFinite(gap) && Number.isFinite(primal) };
  }

  /** One predictor and corrector. False when the system cannot be solved any more. */
  step(): boolean {
    const residuals = this.#residuals();
    const scalings = this.#coneS.map((s, c) => coneScaling(s, this.#coneZ[c]));
    const count = this.#s.length + this.#coneS.length;
    const mu = this.#complementarity() / count;
    const factor = this.#factor(scalings);
    if (factor === null) return false;
    const towards = (target: number, second: Direction | null) => ({
      ...residuals,
      complement: this.#s.map((s, i) => target - s * this.#z[i] - (second ? second.s[i] * second.z[i] : 0)),
      coneComplement: scalings.map((scaling, c) => {
        const product = coneProduct(scaling.meeting, scaling.meeting);
        const correction = second
          ? coneProduct(unscaleByCone(scaling, second.coneS[c]), scaleByCone(scaling, second.coneZ[c]))
          : null;
        return product.map((value, i) => (i === 0 ? target : 0) - value - (correction ? correction[i] : 0));
      }),
    });
    // It only says how far to centre: it need not be exact.
    const predictor = this.#solve(towards(0, null), factor, scalings);
    const reach = this.#longest(predictor, 1);
    const after = this.#complementarityAfter(predictor, reach) / count;
    const centring = Math.min(1, Math.max(0, after / mu)) ** 3;
    const corrector = this.#refined(towards(centring * mu, predictor), factor, scalings);
    const longest = this.#longest(corrector, 1 / 0.995);
    const length = Math.min(1, 0.995 * longest);
    if (!(length > 1e-14)) return false;
    this.#move(corrector, length);
    return true;
  }

  #complementarity(): number {
    let sum = dot(this.#s, this.#z);
    this.#coneS.forEach((s, c) => {
      sum += dot(s, this.#coneZ[c]);
    });
    return sum;
  }

  #complementarityAfter(d: Direction, a: number): number {
    let sum = 0;
    for (let i = 0; i < this.#s.length; i++) sum += (this.#s[i] + a * d.s[i]) * (this.#z[i] + a * d.z[i]);
    this.#coneS.forEach((s, c) => {
      for (let i = 0; i < s.length; i++)
        sum += (s[i] + a * d.coneS[c][i]) * (this.#coneZ[c][i] + a * d.coneZ[c][i]);
    });
    return sum;
  }

  #longest(d: Direction, limit: number): number {
    const slacks = this.#s;
    const multipliers = this.#z;
    let best = limit;
    for (let i = 0; i < slacks.length; i++) {
      if (d.s[i] < 0) best = Math.min(best, -slacks[i] / d.s[i]);
      if (d.z[i] < 0) best = Math.min(best, -multipliers[i] / d.z[i]);
    }
    this.#coneS.forEach((s, c) => {
      best = coneStep(s, d.coneS[c], best);
      best = coneStep(this.#coneZ[c], d.coneZ[c], best);
    });
    return best;
  }

  #move(d: Direction, a: number): void {
    const add = (to: Float64Array, by: Float64Array) => {
      for (let i = 0; i < to.length; i++) to[i] += a * by[i];
    };
    add(this.x, d.x);
    add(this.#y, d.y);
    add(this.#u, d.u);
    add(this.#s, d.s);
    add(this.#z, d.z);
    this.#coneS.forEach((s, c) => {
      add(s, d.coneS[c]);
      add(this.#coneZ[c], d.coneZ[c]);
    });
    for (let k = 0; k < this.#hidden; k++) this.#u[k] = this.#s[this.#offset.hidden + k];
  }

  /** `bound - row x + u` of simple bounds and rows at the current x and u, without the slack. */
  #slackAt(): Float64Array {
    const owner = this.#owner;
    const bounds = this.#bounds;
    const excess = this.#u;
    const out = new Float64Array(this.#offset.hidden);
    const { index, sign, bound } = this.#simple;
    for (let i = 0; i < index.length; i++) out[i] = bound[i] - sign[i] * this.x[index[i]];
    const values = multiplyTransposedVector(this.#rows, this.x);
    for (let r = 0; r < values.length; r++)
      out[this.#offset.rows + r] = bounds[r] - values[r] + (owner[r] >= 0 ? excess[owner[r]] : 0);
    return out;
  }

  #residuals(): Omit<RightSide, "complement" | "coneComplement"> {
    const { quadratic, linear, equalities, cones } = this.#program;
    const slack = this.#slackAt();
    for (let i = 0; i < slack.length; i++) slack[i] -= this.#s[i];
    const coneSlack = cones.map(({ matrix: rows, offset }, c) => {
      const product = multiplyVector(rows, this.x);
      return offset.map((value, i) => value - product[i] - this.#coneS[c][i]);
    });
    // Px + q + Aᵀy + Gᵀz
    const dual = quadratic ? multiplyVector(quadratic, this.x) : new Float64Array(linear.length);
    const fromEqualities = multiplyTransposedVector(equalities.matrix, this.#y);
    const { index, sign } = this.#simple;
    const fromRows = multiplyVector(this.#rows, this.#z.subarray(this.#offset.rows, this.#offset.hidden));
    for (let j = 0; j < dual.length; j++) dual[j] += linear[j] + fromEqualities[j] + fromRows[j];
    for (let i = 0; i < index.length; i++) dual[index[i]] += sign[i] * this.#z[i];
    cones.forEach(({ matrix: rows }, c) => {
      const product = multiplyTransposedVector(rows, this.#coneZ[c]);
      for (let j = 0; j < dual.length; j++) dual[j] += product[j];
    });
    const hidden = new Float64Array(this.#hidden);
    for (let k = 0; k < this.#hidden; k++) {
      hidden[k] = this.#cost[k] + this.#curvature[k] * this.#u[k] - this.#z[this.#offset.hidden + k];
      for (let r = this.#first[k]; r < this.#first[k + 1]; r++) hidden[k] -= this.#z[this.#offset.rows + r];
    }
    const product = multiplyVector(equalities.matrix, this.x);
    const equality = equalities.bounds.map((value, i) => value - product[i]);
    return { slack, coneSlack, dual, hidden, equality };
  }

  /** D of every row, and the factor of the reduced matrix; null when it is not positive definite. */
  #factor(scalings: readonly ConeScaling[] | null): Factor | null {
    const { quadratic, equalities, cones, linear } = this.#program;
    const size = linear.length;
    const weight = this.#s.map((s, i) => this.#z[i] / s);
    const reduced = this.#weightedProducts(weight);
    if (quadratic) for (let i = 0; i < reduced.data.length; i++) reduced.data[i] += quadratic.data[i];
    const { index } = this.#simple;
    for (let i = 0; i < index.length; i++) reduced.data[index[i] * size + index[i]] += weight[i];
    cones.forEach(({ matrix: rows }, c) => {
      addConeProducts(reduced, rows, scalings?.[c] ?? null);
    });
    // A dx is known, so that adding Aᵀ A changes nothing but makes directions positive that only equalities hold.
    let trace = 0;
    for (let j = 0; j < size; j++) trace += reduced.data[j * size + j] / size;
    const penalty = Math.max(1e-6, Math.min(trace, 1));
    for (let i = 0; i < equalities.matrix.rows; i++) {
      const row = rowOf(equalities.matrix, i);
      for (let j = 0; j < size; j++) {
        if (row[j] === 0) continue;
        for (let k = 0; k < size; k++) reduced.data[j * size + k] += penalty * row[j] * row[k];
      }
    }
    let lower: Matrix | null = null;
    for (let ridge = 1e-14; lower === null && ridge < 1e-4; ridge *= 100) {
      for (let j = 0; j < size; j++)
        reduced.data[j * size + j] += ridge * Math.max(reduced.data[j * size + j], 1e-3);
      lower = choleskyFactor(reduced);
    }
    if (lower === null) return null;
    const rows = equalities.matrix.rows;
    const solved = matrix(rows, size);
    for (let i = 0; i < rows; i++) rowOf(solved, i).set(choleskySolve(lower, rowOf(equalities.matrix, i)));
    const schur = matrix(rows, rows);
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < rows; j++)
        schur.data[i * rows + j] = dot(rowOf(solved, i), rowOf(equalities.matrix, j));
    for (let i = 0; i < rows; i++) schur.data[i * rows + i] *= 1 + 1e-14;
    const schurLower = rows > 0 ? choleskyFactor(schur) : schur;
    if (schurLower === null) return null;
    return { weight, lower, reduced, solved, schurLower, penalty };
  }

  /** `Σ D g gᵀ` over rows, with hidden variables eliminated: a sum of squares, so that nothing cancels. */
  #weightedProducts(weight: Float64Array): Matrix {
    const owner = this.#owner;
    const first = this.#first;
    const curvature = this.#curvature;
    const { rows: size, columns: count, data } = this.#rows;
    if (count === 0) return matrix(size, size);
    const factor = new Float64Array(count);
    const shared: number[] = [];
    for (let r = 0; r < count; r++) {
      const k = owner[r];
      const d = weight[this.#offset.rows + r];
      if (k < 0) factor[r] = Math.sqrt(d);
      else if (first[k + 1] - first[k] === 1) {
        const own = weight[this.#offset.hidden + k] + curvature[k];
        factor[r] = Math.sqrt((d * own) / (d + own));
      } else {
        factor[r] = Math.sqrt(d);
        if (r === first[k]) shared.push(k);
      }
    }
    const scaled = matrix(size, count + shared.length);
    for (let i = 0; i < size; i++) {
      const from = i * count;
      const to = i * scaled.columns;
      for (let r = 0; r < count; r++) scaled.data[to + r] = data[from + r] * factor[r];
      for (let m = 0; m < shared.length; m++) {
        const k = shared[m];
        let sum = 0;
        let total = 0;
        for (let r = first[k]; r < first[k + 1]; r++) {
          const d = weight[this.#offset.rows + r];
          sum += d * data[from + r];
          total += d;
        }
        const mean = sum / total;
        const own = weight[this.#offset.hidden + k] + curvature[k];
        for (let r = first[k]; r < first[k + 1]; r++)
          scaled.data[to + r] = (data[from + r] - mean) * factor[r];
        scaled.data[to + count + m] = mean * Math.sqrt((total * own) / (total + own));
      }
    }
    return gramOfRows(scaled);
  }

  /**
   * The direction, corrected by what the whole system still lacks: near the end multipliers change by large numbers times small
   * differences, whose rounding the first solve leaves in the dual rows.
   */
  #refined(right: RightSide, factor: Factor, scalings: readonly ConeScaling[]): Direction {
    const direction = this.#solve(right, factor, scalings);
    const { quadratic, equalities, cones } = this.#program;
    for (let pass = 0; pass < 2; pass++) {
      const dual = Float64Array.from(right.dual);
      const add = (by: Float64Array) => {
        for (let j = 0; j < dual.length; j++) dual[j] += by[j];
      };
      if (quadratic) add(multiplyVector(quadratic, direction.x));
      add(multiplyTransposedVector(equalities.matrix, direction.y));
      add(multiplyVector(this.#rows, direction.z.subarray(this.#offset.rows, this.#offset.hidden)));
      const { index, sign } = this.#simple;
      for (let i = 0; i < index.length; i++) dual[index[i]] += sign[i] * direction.z[i];
      for (let c = 0; c < cones.length; c++)
        add(multiplyTransposedVector(cones[c].matrix, direction.coneZ[c]));
      const hidden = Float64Array.from(right.hidden);
      for (let k = 0; k < this.#hidden; k++) {
        hidden[k] += this.#curvature[k] * direction.u[k] - direction.z[this.#offset.hidden + k];
        for (let r = this.#first[k]; r < this.#first[k + 1]; r++)
          hidden[k] -= direction.z[this.#offset.rows + r];
      }
      const product = multiplyVector(equalities.matrix, direction.x);
      const correction = this.#solve(
        {
          dual,
          hidden,
          equality: right.equality.map((value, i) => value - product[i]),
          slack: new Float64Array(this.#offset.hidden),
          complement: new Float64Array(this.#s.length),
          coneSlack: right.coneSlack.map((one) => new Float64Array(one.length)),
          coneComplement: right.coneComplement.map((one) => new Float64Array(one.length)),
        },
        factor,
        scalings,
      );
      addDirection(direction, correction);
    }
    return direction;
  }

  #solve(right: RightSide, factor: Factor, scalings: readonly ConeScaling[] | null): Direction {
    const owner = this.#owner;
    const first = this.#first;
    const curvature = this.#curvature;
    const hiddenCount = this.#hidden;
    const slacks = this.#s;
    const { cones, linear } = this.#program;
    const size = linear.length;
    const { weight } = factor;
    const { index, sign } = this.#simple;
    const rowsAt = this.#offset.rows;
    const hiddenAt = this.#offset.hidden;
    const count = this.#rows.columns;
    // beta = complement / s - D slack, of each row
    const beta = new Float64Array(hiddenAt);
    for (let i = 0; i < hiddenAt; i++) beta[i] = right.complement[i] / slacks[i] - weight[i] * right.slack[i];
    // What each hidden variable adds: du = (v + Σ D g dx) / M
    const value = new Float64Array(hiddenCount);
    const divisor = new Float64Array(hiddenCount);
    for (let k = 0; k < hiddenCount; k++) {
      value[k] = -right.hidden[k] + right.complement[hiddenAt + k] / slacks[hiddenAt + k];
      divisor[k] = weight[hiddenAt + k] + curvature[k];
      for (let r = first[k]; r < first[k + 1]; r++) {
        value[k] += beta[rowsAt + r];
        divisor[k] += weight[rowsAt + r];
      }
    }
    const r1 = right.dual.map((one) => -one);
    for (let i = 0; i < index.length; i++) r1[index[i]] -= sign[i] * beta[i];
    const inner = new Float64Array(count);
    for (let r = 0; r < count; r++) {
      const k = owner[r];
      inner[r] = beta[rowsAt + r] - (k >= 0 ? (weight[rowsAt + r] * value[k]) / divisor[k] : 0);
    }
    const fromRows = multiplyVector(this.#rows, inner);
    for (let j = 0; j < size; j++) r1[j] -= fromRows[j];
    const coneBeta = cones.map(({ matrix: rows }, c) => {
      const scaling = scalings?.[c] ?? null;
      const complement = right.coneComplement[c];
      const rho = scaling
        ? unscaleByCone(scaling, coneDivide(scaling.meeting, complement))
        : Float64Array.from(complement);
      const scaled = squareInverse(scaling, right.coneSlack[c]);
      const out = rho.map((one, i) => one - scaled[i]);
      const product = multiplyTransposedVector(rows, out);
      for (let j = 0; j < size; j++) r1[j] -= product[j];
      return out;
    });
    const { x, y } = this.#reducedSolve(factor, r1, right.equality);
    const values = multiplyTransposedVector(this.#rows, x);
    const s = new Float64Array(slacks.length);
    const z = new Float64Array(slacks.length);
    const u = new Float64Array(hiddenCount);
    for (let i = 0; i < index.length; i++) s[i] = right.slack[i] - sign[i] * x[index[i]];
    for (let k = 0; k < hiddenCount; k++) {
      let sum = value[k];
      for (let r = first[k]; r < first[k + 1]; r++) sum += weight[rowsAt + r] * values[r];
      u[k] = sum / divisor[k];
      s[hiddenAt + k] = u[k];
    }
    for (let r = 0; r < count; r++) {
      const k = owner[r];
      s[rowsAt + r] = right.slack[rowsAt + r] - values[r] + (k >= 0 ? u[k] : 0);
    }
    for (let i = 0; i < s.length; i++) z[i] = right.complement[i] / slacks[i] - weight[i] * s[i];
    const coneS = cones.map(({ matrix: rows }, c) => {
      const product = multiplyVector(rows, x);
      return right.coneSlack[c].map((one, i) => one - product[i]);
    });
    const coneZ = cones.map(({ matrix: rows }, c) => {
      const scaled = squareInverse(scalings?.[c] ?? null, multiplyVector(rows, x));
      return coneBeta[c].map((one, i) => one + scaled[i]);
    });
    return { x, y, u, s, z, coneS, coneZ };
  }

  #reducedSolve(factor: Factor, r1: Float64Array, r2: Float64Array): { x: Float64Array; y: Float64Array } {
    const { equalities } = this.#program;
    const right = Float64Array.from(r1);
    const lifted = multiplyTransposedVector(equalities.matrix, r2);
    for (let j = 0; j < right.length; j++) right[j] += factor.penalty * lifted[j];
    const x = choleskySolve(factor.lower, right);
    if (r2.length === 0) return { x, y: new Float64Array(0) };
    const product = multiplyVector(equalities.matrix, x);
    const y = choleskySolve(
      factor.schurLower,
      product.map((value, i) => value - r2[i]),
    );
    for (let i = 0; i < y.length; i++) {
      const row = rowOf(factor.solved, i);
      for (let j = 0; j < x.length; j++) x[j] -= y[i] * row[j];
    }
    return { x, y };
  }
}

function addDirection(to: Direction, by: Direction): void {
  const add = (a: Float64Array, b: Float64Array) => {
    for (let i = 0; i < a.length; i++) a[i] += b[i];
  };
  add(to.x, by.x);
  add(to.y, by.y);
  add(to.u, by.u);
  add(to.s, by.s);
  add(to.z, by.z);
  for (let c = 0; c < to.coneS.length; c++) {
    add(to.coneS[c], by.coneS[c]);
    add(to.coneZ[c], by.coneZ[c]);
  }
}

function simpleRows({ lower, upper }: Program): Simple {
  const index: number[] = [];
  const sign: number[] = [];
  const bound: number[] = [];
  for (let i = 0; i < lower.length; i++) {
    if (Number.isFinite(lower[i])) {
      index.push(i);
      sign.push(-1);
      bound.push(-lower[i]);
    }
    if (Number.isFinite(upper[i])) {
      index.push(i);
      sign.push(1);
      bound.push(upper[i]);
    }
  }
  return { index: Int32Array.from(index), sign: Float64Array.from(sign), bound: Float64Array.from(bound) };
}

function unit(length: number): Float64Array {
  const out = new Float64Array(length);
  out[0] = 1;
  return out;
}

/** `W⁻² v`: the identity before there is a scaling. */
function squareInverse(scaling: ConeScaling | null, v: Float64Array): Float64Array {
  if (scaling === null) return Float64Array.from(v);
  return unscaleByCone(scaling, unscaleByCone(scaling, v));
}

/** Adds `Gᵀ W⁻² G`. */
function addConeProducts(out: Matrix, rows: Matrix, scaling: ConeScaling | null): void {
  const columns = transpose(rows); // [x, cone]
  const scaled = matrix(columns.rows, columns.columns);
  for (let j = 0; j < columns.rows; j++) {
    const v = Float64Array.from(rowOf(columns, j));
    rowOf(scaled, j).set(scaling === null ? v : unscaleByCone(scaling, v));
  }
  const gram = gramOfRows(scaled);
  for (let i = 0; i < out.data.length; i++) out.data[i] += gram.data[i];
}
