import { apply } from "../apply.ts";
import {
  add,
  broadcastTo,
  cast,
  concat,
  div,
  equal,
  exp,
  gather,
  less,
  matmul,
  mul,
  neg,
  reshape,
  sign,
  slice,
  split,
  square,
  sub,
  sum,
  transpose,
  where,
} from "../operations.ts";
import { formatShape, isFloat, mismatch, type Shape, sameShape } from "../shape.ts";
import { constant, type Node, type Tensor } from "../tensor.ts";
import { convolutionGradients } from "./convolution/gradients.ts";
import { gruGradient, lstmGradient, noSecondDerivative, rnnGradient } from "./recurrent/gradients.ts";
import type { GradientRules } from "./table.ts";

/** How a gradient flows back through each primitive; leaving one out is a type error. */
export const gradientRules: GradientRules = {
  input: () => [],
  parameter: () => [],
  constant: () => [],

  add: ({ dy, inputs: [a, b] }) => [sumTo(dy, a.shape), sumTo(dy, b.shape)],
  sub: ({ dy, inputs: [a, b] }) => [sumTo(dy, a.shape), sumTo(neg(dy), b.shape)],
  mul: ({ dy, inputs: [a, b] }) => {
    if (a !== b) return [sumTo(times(dy, b), a.shape), sumTo(times(dy, a), b.shape)];
    return [mul(mul(dy, 2), a), null]; // a square: both ways at once
  },
  div: ({ dy, inputs: [a, b], y }) => [sumTo(div(dy, b), a.shape), sumTo(neg(div(mul(dy, y), b)), b.shape)],
  // At a tie each side takes half, as PyTorch has it.
  maximum: ({ dy, inputs: [a, b] }) => [
    sumTo(mul(dy, share(b, a)), a.shape),
    sumTo(mul(dy, share(a, b)), b.shape),
  ],
  minimum: ({ dy, inputs: [a, b] }) => [
    sumTo(mul(dy, share(a, b)), a.shape),
    sumTo(mul(dy, share(b, a)), b.shape),
  ],
  less: () => [null, null],
  equal: () => [null, null],
  where: ({ dy, inputs: [condition, a, b] }) => [
    null,
    sumTo(where(condition, dy, 0), a.shape),
    sumTo(where(condition, 0, dy), b.shape),
  ],

  neg: ({ dy }) => [neg(dy)],
  abs: ({ dy, inputs: [x] }) => [mul(dy, sign(x))],
  sign: () => [null], // piecewise constant: no gradient flows
  exp: ({ dy, y }) => [mul(dy, y)],
  log: ({ dy, inputs: [x] }) => [div(dy, x)],
  sqrt: ({ dy, y }) => [div(mul(dy, 0.5), y)],
  tanh: ({ dy, y }) => [mul(dy, sub(1, mul(y, y)))], // 1 - tanh², read off the output
  sigmoid: ({ dy, y }) => [mul(dy, mul(y, sub(1, y)))],
  relu: ({ dy, y }) => [mul(dy, cast(cast(y, "bool"), y.dtype))], // 1 where the output is not 0; far cheaper than its sign
  // Read off the output where it has the input's sign, so that the activation can be fused with what makes its input.
  leakyRelu: ({ dy, inputs: [x], y, attributes: { slope } }) => [
    mul(dy, add(mul(cast(less(0, slope > 0 ? y : x), dy.dtype), 1 - slope), slope)),
  ],
  // Φ(x) + x φ(x), with the normal distribution's Φ and density φ
  gelu: ({ dy, inputs: [x] }) => {
    const cumulative = add(mul(apply("erf", [mul(x, Math.SQRT1_2)], {}), 0.5), 0.5);
    const density = mul(exp(mul(mul(x, x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return [mul(dy, add(cumulative, mul(x, density)))];
  },
  erf: ({ dy, inputs: [x] }) => [mul(dy, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI)))],
  sin: ({ dy, inputs: [x] }) => [mul(dy, apply("cos", [x], {}))],
  cos: ({ dy, inputs: [x] }) => [neg(mul(dy, apply("sin", [x], {})))],
  // Whole numbers are piecewise constant in what they were made from.
  cast: ({ dy, inputs: [x] }) => [isFloat(x.dtype) && isFloat(dy.dtype) ? cast(dy, x.dtype) : null],

  sum: ({ dy, inputs: [x], attributes: { axes, keepDims } }) => [spread(dy, x.shape, axes, keepDims)],
  max: ({ dy, inputs: [x], y, attributes: { axes, keepDims } }) => {
    // Ties share the gradient evenly.
    const hit = cast(equal(x, spread(y, x.shape, axes, keepDims)), x.dtype);
    return [mul(hit, spread(div(dy, sum(hit, axes, { keepDims })), x.shape, axes, keepDims))];
  },
  count: () => [null],
  cumulativeSum: ({ dy, attributes: { axis, reverse } }) => [
    apply("cumulativeSum", [dy], { axis, reverse: !reverse }),
  ],
  argMax: () => [null],
  topK: ({ dys: [dy], inputs: [x], outputs: [, indices], attributes: { axis } }) => [
    dy && apply("scatterAddAlong", [dy, indices], { axis, size: fixedSize("topK", x.shape, axis) }),
  ],
  softmax: ({ dy, y, attributes: { axis } }) => [mul(y, sub(dy, sumOfProduct(dy, y, axis)))],
  logSoftmax: ({ dy, y, attributes: { axis } }) => [sub(dy, mul(exp(y), sum(dy, axis, { keepDims: true })))],
  layerNorm: ({ dys: [dy, dMean, dInverse], inputs: [x, scale], outputs: [, mean, inverseDeviation] }) => {
    const last = x.shape.length - 1;
    const features = fixedSize("layerNorm", x.shape, last);
    const average = (t: Tensor) => div(sum(t, last, { keepDims: true }), features);
    const normalized = mul(sub(x, mean), inverseDeviation);
    const parts: Tensor[] = [];
    if (dy) {
      // With x̂ the normalised input and g = dy * scale: dx = (g - mean(g) - x̂ mean(g x̂)) / deviation
      const g = mul(dy, scale);
      parts.push(
        mul(sub(sub(g, average(g)), mul(normalized, average(mul(g, normalized)))), inverseDeviation),
      );
    }
    // The statistics are read by this very rule, so a second derivative comes back through them.
    if (dMean) parts.push(div(dMean, features));
    if (dInverse)
      parts.push(neg(div(mul(mul(dInverse, normalized), mul(inverseDeviation, inverseDeviation)), features)));
    const dx = broadcastTo(parts.reduce(add), x.shape);
    return dy ? [dx, sumTo(mul(dy, normalized), scale.shape), sumTo(dy, scale.shape)] : [dx, null, null];
  },
  standardize: ({ dys: [dy, dInverse, dBalanced], outputs: [y, inverseDeviation] }) => {
    const last = y.shape.length - 1;
    const features = fixedSize("standardize", y.shape, last);
    const average = (total: Tensor) => div(total, features);
    // dx = (dy - mean(dy) - y mean(dy y)) / deviation
    const centred = dy ? [sub(dy, average(sum(dy, last, { keepDims: true })))] : [];
    const all = [...centred, ...(dBalanced ? [dBalanced] : [])];
    const parts = all.map((g) => mul(sub(g, mul(y, average(sumOfProduct(g, y, last)))), inverseDeviation));
    // A second derivative comes back through the deviation.
    if (dInverse) parts.push(neg(mul(y, average(mul(dInverse, square(inverseDeviation))))));
    return [parts.reduce(add)];
  },

  reshape: ({ dy, inputs: [x] }) => [reshape(dy, x.shape)],
  transpose: ({ dy, attributes: { order } }) => [
    transpose(
      dy,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
  broadcastTo: ({ dy, inputs: [x] }) => [sumTo(dy, x.shape)],
  slice: ({ dy, inputs: [x], attributes: { axis, start, end } }) => [
    apply("pad", [dy], { axis, before: start, after: fixedSize("slice", x.shape, axis) - end }),
  ],
  pad: ({ dy, inputs: [x], attributes: { axis, before } }) => [
    slice(dy, axis, before, before + fixedSize("pad", x.shape, axis)),
  ],
  concat: ({ dy, inputs, attributes: { axis } }) =>
    split(
      dy,
      axis,
      inputs.map((part) => fixedSize("concat", part.shape, axis)),
    ),
  split: ({ dys, outputs, attributes: { axis } }) => [
    concat(
      dys.map((dy, part) => dy ?? zeros(outputs[part])),
      axis,
    ),
  ],
  gather: ({ dy, inputs: [x, indices], attributes: { axis } }) => {
    // Bring the gathered axis to the front, add the rows up where they came from, and bring it back.
    const before = Array.from({ length: axis }, (_, i) => i);
    const gathered = indices.shape.map((_, i) => axis + i);
    const after = x.shape.slice(axis + 1).map((_, i) => axis + indices.shape.length + i);
    const updates = axis === 0 ? dy : transpose(dy, [...gathered, ...before, ...after]);
    const rows = apply("scatterAdd", [updates, indices], { rows: fixedSize("gather", x.shape, axis) });
    const back = x.shape.map((_, i) => (i < axis ? i + 1 : i === axis ? 0 : i));
    return [axis === 0 ? rows : transpose(rows, back), null];
  },
  flip: ({ dy, attributes }) => [apply("flip", [dy], attributes)],
  reverseSequence: ({ dy, inputs: [, lengths] }) => [apply("reverseSequence", [dy, lengths], {}), null],
  gatherAlong: ({ dy, inputs: [x, indices], attributes: { axis } }) => [
    apply("scatterAddAlong", [dy, indices], { axis, size: fixedSize("gatherAlong", x.shape, axis) }),
    null,
  ],
  scatterAddAlong: ({ dy, inputs: [, indices], attributes: { axis } }) => [
    apply("gatherAlong", [dy, indices], { axis }),
    null,
  ],
  oneHot: () => [null],
  scatterAdd: ({ dy, inputs: [, indices] }) => [gather(dy, indices, 0), null],

  matmul: ({ dy, inputs: [a, b, bias], attributes: { transposeA, transposeB } }) => {
    const da = transposeA
      ? matmul(b, dy, { transposeA: transposeB, transposeB: true })
      : matmul(dy, b, { transposeB: !transposeB });
    const db = transposeB
      ? matmul(dy, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, dy, { transposeA: !transposeA });
    return [sumTo(da, a.shape), sumTo(db, b.shape), ...(bias ? [sumTo(dy, bias.shape)] : [])];
  },

  ...convolutionGradients,
  lstm: lstmGradient,
  lstmBackward: noSecondDerivative("lstm"),
  gru: gruGradient,
  gruBackward: noSecondDerivative("gru"),
  rnn: rnnGradient,
  rnnBackward: noSecondDerivative("rnn"),

  randomUniform: () => [null],
  stopGradient: () => [null],
  scaleGradient: ({ dy, attributes: { factor } }) => [mul(dy, factor)],
};

/** The size of an axis that a gradient has to cut or count. */
function fixedSize(name: string, shape: Shape, axis: number): number {
  const size = shape[axis];
  if (typeof size !== "number") {
    throw mismatch(
      `gradient of ${name}: expected a fixed size at axis ${axis}, received ${formatShape(shape)}`,
    );
  }
  return size;
}

/** Zeros of a tensor's type, which do not depend on its values: 0 times infinity is no zero. */
function zeros({ dtype, shape }: Tensor): Tensor {
  return broadcastTo(constant(0, [], dtype), shape);
}

/** `mul(dy, x)`, and x itself where the gradient is 1 everywhere, as behind a sum. */
function times(dy: Tensor, x: Tensor): Tensor {
  let { node } = dy;
  while (node.primitive === "broadcastTo" || node.primitive === "reshape") [{ node }] = node.inputs;
  const { data } = (node as Node<"constant">).attributes;
  const isOne = node.primitive === "constant" && data.length === 1 && Number(data[0]) === 1;
  return isOne && sameShape(dy.shape, x.shape) ? x : mul(dy, x);
}

/** Sums a gradient back to the shape that was broadcast. */
function sumTo(dy: Tensor, shape: Shape): Tensor {
  if (sameShape(dy.shape, shape)) return dy;
  const extra = dy.shape.length - shape.length;
  const stretched = dy.shape
    .map((_, axis) => axis)
    .filter((axis) => axis < extra || (shape[axis - extra] === 1 && dy.shape[axis] !== 1));
  return reshape(sum(dy, stretched), shape);
}

/** Stretches a reduced tensor back over the axes that were reduced. */
function spread(reduced: Tensor, shape: Shape, axes: readonly number[], keepDims: boolean): Tensor {
  const kept = keepDims
    ? reduced
    : reshape(
        reduced,
        shape.map((d, axis) => (axes.includes(axis) ? 1 : d)),
      );
  return broadcastTo(kept, shape);
}

/** 1 where `low < high`, ½ where they are equal, else 0. */
function share(low: Tensor, high: Tensor): Tensor {
  const below = cast(less(low, high), low.dtype);
  return add(below, mul(cast(equal(low, high), low.dtype), 0.5));
}

/**
 * `Σ dy y` over an axis, kept with a size of 1. Where dy is `g vᵀ`, as behind an attention, it is `Σ g (y v)` over the features of g, which are fewer
 * than the positions of y, and `y v` is there since the forward pass (Dao et al. 2022, "FlashAttention", appendix B.2).
 */
function sumOfProduct(dy: Tensor, y: Tensor, axis: number): Tensor {
  const last = y.shape.length - 1;
  if (axis === last && dy.node.primitive === "matmul") {
    const { inputs, attributes } = dy.node as Node<"matmul">;
    const [g, v, bias] = inputs;
    const isProduct = !bias && !attributes.transposeA && attributes.transposeB;
    if (isProduct && g.shape.length === last + 1 && Number(g.shape[last]) < Number(y.shape[last]))
      return sum(mul(g, matmul(y, v)), last, { keepDims: true });
  }
  return sum(mul(dy, y), axis, { keepDims: true });
}
