/**
 * What an interior-point method needs of the second-order cone `{ v : v[0] >= |v[1..]| }`: its scaling by Nesterov and Todd
 * (1997), its product and the longest step inside it. The formulas are those of Andersen, Dahl and Vandenberghe (2011), "Interior-
 * point methods for large-scale cone programming", section 4.
 */

/** `W z = W⁻¹ s`: the symmetric scaling at which primal slack and dual variable meet. */
export interface ConeScaling {
  /** A point of length 1 in the cone's own metric. */
  readonly point: Float64Array;
  readonly size: number;
  /** `W z` */
  readonly meeting: Float64Array;
}

/** `v[0]² - |v[1..]|²` */
export function coneDeterminant(v: Float64Array): number {
  let tail = 0;
  for (let i = 1; i < v.length; i++) tail += v[i] * v[i];
  const length = Math.sqrt(tail);
  return (v[0] - length) * (v[0] + length);
}

/** How far inside the cone v is; negative outside. */
export function coneMargin(v: Float64Array): number {
  let tail = 0;
  for (let i = 1; i < v.length; i++) tail += v[i] * v[i];
  return v[0] - Math.sqrt(tail);
}

export function coneScaling(s: Float64Array, z: Float64Array): ConeScaling {
  const lengthS = Math.sqrt(coneDeterminant(s));
  const lengthZ = Math.sqrt(coneDeterminant(z));
  let inner = 0;
  for (let i = 0; i < s.length; i++) inner += (s[i] / lengthS) * (z[i] / lengthZ);
  const gamma = Math.sqrt((1 + inner) / 2);
  const point = s.map((value, i) => (value / lengthS + (i === 0 ? z[i] : -z[i]) / lengthZ) / (2 * gamma));
  const size = Math.sqrt(lengthS / lengthZ);
  const scaling = { point, size, meeting: new Float64Array(0) };
  return { ...scaling, meeting: scaleByCone(scaling, z) };
}

/** `W v` */
export function scaleByCone({ point, size }: Pick<ConeScaling, "point" | "size">, v: Float64Array) {
  let tail = 0;
  for (let i = 1; i < v.length; i++) tail += point[i] * v[i];
  const factor = v[0] + tail / (1 + point[0]);
  return v.map((value, i) => size * (i === 0 ? point[0] * value + tail : value + factor * point[i]));
}

/** `W⁻¹ v` */
export function unscaleByCone({ point, size }: Pick<ConeScaling, "point" | "size">, v: Float64Array) {
  let tail = 0;
  for (let i = 1; i < v.length; i++) tail += point[i] * v[i];
  const factor = -v[0] + tail / (1 + point[0]);
  return v.map((value, i) => (i === 0 ? point[0] * value - tail : value + factor * point[i]) / size);
}

/** `W⁻² v` */
export function unscaleTwice(scaling: ConeScaling, v: Float64Array): Float64Array {
  return unscaleByCone(scaling, unscaleByCone(scaling, v));
}

/** The cone's product `x ∘ y`. */
export function coneProduct(x: Float64Array, y: Float64Array): Float64Array {
  let inner = 0;
  for (let i = 0; i < x.length; i++) inner += x[i] * y[i];
  return x.map((value, i) => (i === 0 ? inner : x[0] * y[i] + y[0] * value));
}

/** The y of `x ∘ y = v`. */
export function coneDivide(x: Float64Array, v: Float64Array): Float64Array {
  const determinant = coneDeterminant(x);
  let inner = 0;
  for (let i = 1; i < x.length; i++) inner += x[i] * v[i];
  const head = (x[0] * v[0] - inner) / determinant;
  return x.map((value, i) => (i === 0 ? head : (v[i] - head * value) / x[0]));
}

/** The longest step a >= 0, at most `limit`, for which `v + a d` stays in the cone. */
export function coneStep(v: Float64Array, d: Float64Array, limit: number): number {
  // (v0 + a d0)² = |v1 + a d1|²  as  A a² + 2 B a + C = 0 with C > 0
  let a = d[0] * d[0];
  let b = v[0] * d[0];
  for (let i = 1; i < v.length; i++) {
    a -= d[i] * d[i];
    b -= v[i] * d[i];
  }
  const c = Math.max(coneDeterminant(v), 0);
  let best = limit;
  const discriminant = b * b - a * c;
  if (Math.abs(a) < 1e-300) {
    if (b < 0) best = Math.min(best, -c / (2 * b));
  } else if (discriminant >= 0) {
    // Both roots without cancellation; the smallest positive one leaves the cone or its mirror image.
    const q = -(b + (b >= 0 ? 1 : -1) * Math.sqrt(discriminant));
    for (const root of [q / a, q === 0 ? Number.POSITIVE_INFINITY : c / q])
      if (root > 0) best = Math.min(best, root);
  }
  return best;
}
