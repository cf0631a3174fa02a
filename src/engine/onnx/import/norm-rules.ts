/** ONNX's normalisations as the engine's. */
import {
  abs,
  add,
  broadcastTo,
  div,
  equal,
  layerNormalize,
  mean,
  mul,
  reshape,
  sqrt,
  square,
  sub,
  sum,
  where,
} from "../../operations.ts";
import { formatShape, isStatic, normalizeAxis, staticSize } from "../../shape.ts";
import { constant, type Tensor } from "../../tensor.ts";
import type { ImportedNode } from "./node.ts";
import type { Value } from "./sizes.ts";

/** Over all axes from `axis` on, which are taken as one. */
export const importLayerNorm = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const features = normalizedSizes(node, x);
  const size = staticSize(features);
  const shift = node.optional(2) ?? broadcastTo(constant(0, [], x.dtype), features);
  const vector = (one: Tensor) => reshape(broadcastTo(one, features), [size]);
  const rows = reshape(x, [...x.shape.slice(0, x.shape.length - features.length), size]);
  const y = layerNormalize(rows, vector(node.tensor(1)), vector(shift), node.float("epsilon", 1e-5));
  return [reshape(y, x.shape)];
};

/** Divided by the root of the mean square over all axes from `axis` on. */
export const importRmsNorm = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const features = normalizedSizes(node, x);
  const axes = features.map((_, i) => x.shape.length - features.length + i);
  const size = sqrt(add(mean(square(x), axes, { keepDims: true }), node.float("epsilon", 1e-5)));
  return [mul(div(x, size), node.tensor(1))];
};

/** As in inference, which is what a file describes: the statistics are what training saw, and no gradient moves them. */
export const importBatchNorm = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  if (node.int("training_mode", 0) === 1)
    throw node.unsupported("expected a model in inference, received one that normalises by its own batch");
  if (node.int("spatial", 1) !== 1)
    throw node.unsupported("expected statistics for each channel, received one for each position");
  // One value per channel, which is axis 1.
  const column = (vector: Tensor) => reshape(vector, [vector.shape[0], ...x.shape.slice(2).map(() => 1)]);
  const [scale, shift, average, variance] = [
    node.tensor(1),
    node.tensor(2),
    node.statistic(3),
    node.statistic(4),
  ].map(column);
  // One factor and one shift per channel, so that x is passed over twice instead of four times.
  const factor = div(scale, sqrt(add(variance, node.float("epsilon", 1e-5))));
  return [add(mul(x, factor), sub(shift, mul(average, factor)))];
};

/** Every channel of every sample by itself. */
export const importInstanceNorm = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  return [overGroups(node, x, Number(x.shape[1]))];
};

export const importGroupNorm = (node: ImportedNode): readonly Value[] => {
  const groups = node.int("num_groups", 1);
  if (node.int("stash_type", 1) !== 1) throw node.unsupported("expected statistics in float32");
  return [overGroups(node, node.tensor(0), groups)];
};

/** Groups of channels over all positions; scale and shift have a value per channel, or, in operator set 18, per group. */
function overGroups(node: ImportedNode, x: Tensor, groups: number): Tensor {
  const [batch, channels, ...positions] = x.shape;
  if (!isStatic(positions) || Number(channels) % groups !== 0)
    throw node.unsupported(
      `expected ${groups} groups of channels and fixed sizes, received ${formatShape(x.shape)}`,
    );
  const size = (Number(channels) / groups) * staticSize(positions);
  const [ones, zeros] = [1, 0].map((value) => broadcastTo(constant(value, [], x.dtype), [size]));
  const rows = layerNormalize(reshape(x, [batch, groups, size]), ones, zeros, node.float("epsilon", 1e-5));
  const [scale, shift] = [node.tensor(1), node.tensor(2)];
  if (scale.shape[0] !== channels) {
    const [factor, more] = [scale, shift].map((vector) => reshape(vector, [groups, 1]));
    return reshape(add(mul(rows, factor), more), x.shape);
  }
  const [factor, more] = [scale, shift].map((vector) =>
    reshape(vector, [channels, ...positions.map(() => 1)]),
  );
  return add(mul(reshape(rows, x.shape), factor), more);
}

/** Divided by its length along an axis; what has no length stays zero. */
export const importLpNorm = (node: ImportedNode): readonly Value[] => {
  const x = node.tensor(0);
  const axis = normalizeAxis(node.int("axis", -1), x.shape.length, node.where);
  const p = node.int("p", 2);
  if (p !== 1 && p !== 2) throw node.unsupported(`expected p of 1 or 2, received ${p}`);
  const total = sum(p === 1 ? abs(x) : square(x), axis, { keepDims: true });
  const divisor = where(equal(total, 0), 1, total);
  return [div(x, p === 1 ? divisor : sqrt(divisor))];
};

function normalizedSizes(node: ImportedNode, { shape }: Tensor): readonly number[] {
  const features = shape.slice(normalizeAxis(node.int("axis", -1), shape.length, node.where));
  if (!isStatic(features))
    throw node.unsupported(
      `expected fixed sizes from axis ${node.int("axis", -1)} on, received ${formatShape(shape)}`,
    );
  return features;
}
