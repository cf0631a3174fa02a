/**
 * The linear system of one Newton step: the conditions of Karush, Kuhn and Tucker, linearised at slacks s and multipliers z,
 *
 *   P dx + Aᵀ dy + Gᵀ dz = -dual      G dx - E du + ds = slack     z ds + s dz = complement
 *   κ du - Eᵀ dz - dz(u) = -hidden    A dx = equality
 *
 * With the scaling D = z / s (the cones' own one for cones), what is left after slacks, multipliers and hidden variables are
 * eliminated is
 *
 *   (P + Σ D-weighted products of rows) dx + Aᵀ dy = r1,   A dx = r2.
 */
import {
  gramOfRows,
  type Matrix,
  matrix,
  multiplyTransposedVector,
  multiplyVector,
  rowOf,
  transpose,
} from "../../../base/index.ts";
import { type SaddlePoint, saddlePoint, solveSaddlePoint } from "./saddle-point.ts";
import { type ConeScaling, coneDivide, unscaleByCone, unscaleTwice } from "./second-order-cone.ts";
import { add, move, type PrimalDual, residual, type StandardForm } from "./standard-form.ts";

/** What is left of each condition; of cones, as their scaling sees it. */
export interface RightSide {
  readonly slack: Float64Array;
  readonly coneSlack: readonly Float64Array[];
  readonly dual: Float64Array;
  readonly hidden: Float64Array;
  readonly equality: Float64Array;
  readonly complement: Float64Array;
  readonly coneComplement: readonly Float64Array[];
}

/** A right side after elimination, and what gives the eliminated back once dx is known. */
interface Eliminated {
  /** `r1` */
  readonly right: Float64Array;
  /** `dz = target - D ds` of every slack. */
  readonly target: Float64Array;
  /** `du = (value + Σ D g dx) / divisor` */
  readonly value: Float64Array;
  /** `dz = coneBeta + W⁻² G dx` */
  readonly coneBeta: readonly Float64Array[];
}

export class KktSystem {
  readonly #form: StandardForm;
  readonly #slacks: Float64Array;
  /** D of every slack. */
  readonly #weight: Float64Array;
  /** The curvature of each hidden variable: its own, its D and those of its rows. */
  readonly #divisor: Float64Array;
  readonly #scalings: readonly ConeScaling[];
  readonly #reduced: SaddlePoint;

  /**
   * The system at slacks s and multipliers z, factored; null when it is not positive definite. It reads s again in each
   * solution, and ends with the step that changes it.
   *
   * @param scalings of the slacks and multipliers of cones
   */
  static at(
    form: StandardForm,
    { s, z }: Pick<PrimalDual, "s" | "z">,
    scalings: readonly ConeScaling[],
  ): KktSystem | null {
    const weight = quotient(z, s);
    const reduced = saddlePoint(reducedMatrix(form, weight, scalings), form.equalities.matrix);
    return reduced && new KktSystem(form, s, weight, scalings, reduced);
  }

  private constructor(
    form: StandardForm,
    slacks: Float64Array,
    weight: Float64Array,
    scalings: readonly ConeScaling[],
    reduced: SaddlePoint,
  ) {
    const { first, curvature, rowsAt, hiddenAt } = form;
    this.#form = form;
    this.#slacks = slacks;
    this.#weight = weight;
    this.#scalings = scalings;
    this.#reduced = reduced;
    this.#divisor = new Float64Array(curvature.length);
    for (let k = 0; k < curvature.length; k++) {
      let sum = weight[hiddenAt + k] + curvature[k];
      for (let r = first[k]; r < first[k + 1]; r++) sum += weight[rowsAt + r];
      this.#divisor[k] = sum;
    }
  }

  solve(right: RightSide): PrimalDual {
    const eliminated = this.#eliminate(right);
    const { x, y } = solveSaddlePoint(this.#reduced, eliminated.right, right.equality);
    return this.#recover(right, eliminated, x, y);
  }

  /**
   * The direction, corrected by what the whole system still lacks: near the end multipliers change by large numbers times small
   * differences, whose rounding the first solve leaves in the dual rows.
   */
  refined(right: RightSide): PrimalDual {
    const { quadratic, equalities, cones, rows, simple, first, curvature, rowsAt, hiddenAt } = this.#form;
    const { index, sign } = simple;
    const direction = this.solve(right);
    const { x, y, s, z, coneZ } = direction;
    const zeros = (one: Float64Array) => new Float64Array(one.length);
    for (let pass = 0; pass < 2; pass++) {
      const dual = Float64Array.from(right.dual);
      if (quadratic) add(dual, multiplyVector(quadratic, x));
      add(dual, multiplyTransposedVector(equalities.matrix, y));
      add(dual, multiplyVector(rows, z.subarray(rowsAt, hiddenAt)));
      for (let i = 0; i < index.length; i++) dual[index[i]] += sign[i] * z[i];
      for (let c = 0; c < cones.length; c++) add(dual, multiplyTransposedVector(cones[c].matrix, coneZ[c]));
      const hidden = Float64Array.from(right.hidden);
      for (let k = 0; k < hidden.length; k++) {
        hidden[k] += curvature[k] * s[hiddenAt + k] - z[hiddenAt + k];
        for (let r = first[k]; r < first[k + 1]; r++) hidden[k] -= z[rowsAt + r];
      }
      const correction = this.solve({
        dual,
        hidden,
        equality: residual(right.equality, equalities.matrix, x),
        slack: zeros(right.slack),
        complement: zeros(right.complement),
        coneSlack: right.coneSlack.map(zeros),
        coneComplement: right.coneComplement.map(zeros),
      });
      move(direction, correction, 1);
    }
    return direction;
  }

  #eliminate(right: RightSide): Eliminated {
    const { simple, rows, owner, first, cones, rowsAt, hiddenAt } = this.#form;
    const { index, sign } = simple;
    const weight = this.#weight;
    const divisor = this.#divisor;
    const target = quotient(right.complement, this.#slacks);
    const { slack } = right;
    const beta = new Float64Array(hiddenAt);
    for (let i = 0; i < hiddenAt; i++) beta[i] = target[i] - weight[i] * slack[i];
    const value = new Float64Array(divisor.length);
    for (let k = 0; k < value.length; k++) {
      let sum = -right.hidden[k] + target[hiddenAt + k];
      for (let r = first[k]; r < first[k + 1]; r++) sum += beta[rowsAt + r];
      value[k] = sum;
    }
    const out = right.dual.map((one) => -one);
    for (let i = 0; i < index.length; i++) out[index[i]] -= sign[i] * beta[i];
    const inner = new Float64Array(rows.columns);
    for (let r = 0; r < inner.length; r++) {
      const k = owner[r];
      inner[r] = beta[rowsAt + r] - (k >= 0 ? (weight[rowsAt + r] * value[k]) / divisor[k] : 0);
    }
    add(out, multiplyVector(rows, inner), -1);
    const coneBeta = cones.map((cone, c) => {
      const scaling = this.#scalings[c];
      const own = unscaleByCone(scaling, coneDivide(scaling.meeting, right.coneComplement[c]));
      add(own, unscaleTwice(scaling, right.coneSlack[c]), -1);
      add(out, multiplyTransposedVector(cone.matrix, own), -1);
      return own;
    });
    return { right: out, target, value, coneBeta };
  }

  #recover(
    right: RightSide,
    { target, value, coneBeta }: Eliminated,
    x: Float64Array,
    y: Float64Array,
  ): PrimalDual {
    const { simple, rows, owner, first, cones, rowsAt, hiddenAt, slacks } = this.#form;
    const { index, sign } = simple;
    const weight = this.#weight;
    const divisor = this.#divisor;
    const { slack } = right;
    const values = multiplyTransposedVector(rows, x);
    const s = new Float64Array(slacks);
    const z = new Float64Array(slacks);
    for (let i = 0; i < index.length; i++) s[i] = slack[i] - sign[i] * x[index[i]];
    for (let k = 0; k < value.length; k++) {
      let sum = value[k];
      for (let r = first[k]; r < first[k + 1]; r++) sum += weight[rowsAt + r] * values[r];
      s[hiddenAt + k] = sum / divisor[k];
    }
    for (let r = 0; r < values.length; r++) {
      const k = owner[r];
      s[rowsAt + r] = slack[rowsAt + r] - values[r] + (k >= 0 ? s[hiddenAt + k] : 0);
    }
    for (let i = 0; i < slacks; i++) z[i] = target[i] - weight[i] * s[i];
    const coneS = cones.map((cone, c) => residual(right.coneSlack[c], cone.matrix, x));
    const coneZ = cones.map((cone, c) => {
      const own = unscaleTwice(this.#scalings[c], multiplyVector(cone.matrix, x));
      add(own, coneBeta[c]);
      return own;
    });
    return { x, y, s, z, coneS, coneZ };
  }
}

/** `P + Σ D-weighted products` of simple bounds, rows and cones. */
function reducedMatrix(form: StandardForm, weight: Float64Array, scalings: readonly ConeScaling[]): Matrix {
  const { quadratic, cones, simple } = form;
  const { index } = simple;
  const reduced = rowProducts(form, weight);
  if (quadratic) add(reduced.data, quadratic.data);
  for (let i = 0; i < index.length; i++) reduced.data[index[i] * reduced.columns + index[i]] += weight[i];
  cones.forEach((cone, c) => {
    add(reduced.data, coneProducts(cone.matrix, scalings[c]).data);
  });
  return reduced;
}

/** `Σ D g gᵀ` over rows, with hidden variables eliminated: a sum of squares, so that nothing cancels. */
function rowProducts(form: StandardForm, weight: Float64Array): Matrix {
  const { owner, first, curvature, rowsAt, hiddenAt } = form;
  const { rows: size, columns: count, data } = form.rows;
  if (count === 0) return matrix(size, size);
  const rowWeight = weight.subarray(rowsAt, hiddenAt);
  const factor = new Float64Array(count);
  const groups: { begin: number; end: number; total: number; meanFactor: number }[] = [];
  for (let r = 0; r < count; r++) {
    const k = owner[r];
    const d = rowWeight[r];
    factor[r] = Math.sqrt(d);
    if (k < 0 || r !== first[k]) continue;
    const own = weight[hiddenAt + k] + curvature[k];
    const end = first[k + 1];
    if (end - r === 1) factor[r] = Math.sqrt((d * own) / (d + own));
    else {
      let total = 0;
      for (let i = r; i < end; i++) total += rowWeight[i];
      groups.push({ begin: r, end, total, meanFactor: Math.sqrt((total * own) / (total + own)) });
    }
  }
  // Rows that share a hidden variable count around their mean, and by it.
  const columns = count + groups.length;
  const scaled = new Float64Array(size * columns);
  for (let i = 0; i < size; i++) {
    const from = i * count;
    const to = i * columns;
    for (let r = 0; r < count; r++) scaled[to + r] = data[from + r] * factor[r];
    for (let m = 0; m < groups.length; m++) {
      const { begin, end, total, meanFactor } = groups[m];
      let sum = 0;
      for (let r = begin; r < end; r++) sum += rowWeight[r] * data[from + r];
      const mean = sum / total;
      for (let r = begin; r < end; r++) scaled[to + r] = (data[from + r] - mean) * factor[r];
      scaled[to + count + m] = mean * meanFactor;
    }
  }
  return gramOfRows(matrix(size, columns, scaled));
}

/** `Gᵀ W⁻² G` */
function coneProducts(rows: Matrix, scaling: ConeScaling): Matrix {
  const columns = transpose(rows); // [x, cone]
  for (let j = 0; j < columns.rows; j++) {
    const column = rowOf(columns, j);
    column.set(unscaleByCone(scaling, column));
  }
  return gramOfRows(columns);
}

/** `a / b`, one by one. */
function quotient(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i] / b[i];
  return out;
}
