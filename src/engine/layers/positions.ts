/** How a network that looks at all steps at once is told their order. */
import type { Key } from "../../base/index.ts";
import { normalArray } from "../initialisers.ts";
import { add, concat, gather, mul, neg, slice } from "../operations.ts";
import { formatShape, mismatch } from "../shape.ts";
import { constant, type Parameter, parameter, type Tensor } from "../tensor.ts";
import type { Layer } from "./layer.ts";

/**
 * A learned vector for each position, added to x.
 *
 * Shapes: x `[batch, time, features]` with `time` at most `length`, weight `[length, features]`; normal with deviation 0.02 at first.
 */
export class LearnedPositions implements Layer {
  readonly weight: Parameter;

  constructor(length: number, features: number, key: Key) {
    this.weight = parameter(normalArray(key, [length, features], 0.02));
  }

  apply(x: Tensor): Tensor {
    const [length] = this.weight.shape as readonly number[];
    const time = Number(x.shape[1]);
    if (time > length)
      throw mismatch(`positions: expected at most ${length} steps, received ${formatShape(x.shape)}`);
    return add(x, slice(this.weight, 0, 0, time));
  }
}

/**
 * Waves of falling frequency, one row per position, added to x (Vaswani et al. 2017):
 * `sin(t / 10000^(2i/features))` in the even columns and the cosine in the odd ones.
 */
export function addSinusoids(x: Tensor): Tensor {
  const [, time, features] = x.shape.map(Number);
  const table = Float32Array.from({ length: time * features }, (_, place) => {
    const [t, column] = [Math.floor(place / features), place % features];
    const angle = t / 10_000 ** ((column - (column % 2)) / features);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
  return add(x, constant(table, [time, features]));
}

/**
 * Rotary positions (Su et al. 2021): the two halves of every head are the coordinates of points in planes, and plane i is turned by
 * `t / 10000^(2i/size)` at step t, so that the product of two positions depends on their distance only.
 *
 * Shapes: x and y `[batch, heads, time, size]`, size even. `offset` is the position of the first step.
 */
export function rotate(x: Tensor, offset = 0): Tensor {
  const [time, size] = x.shape.slice(-2).map(Number);
  const [cosines, sines] = waves(time, size, offset);
  return turn(x, cosines, sines);
}

/**
 * `rotate` where positions are known only when the graph runs.
 *
 * Shapes: x and y `[heads, time, size]`, positions int64 `[time]`, each below `length`.
 */
export function rotateAt(x: Tensor, positions: Tensor, length: number): Tensor {
  const [cosines, sines] = waves(length, Number(x.shape[x.shape.length - 1]), 0);
  return turn(x, gather(cosines, positions), gather(sines, positions));
}

function turn(x: Tensor, cosines: Tensor, sines: Tensor): Tensor {
  const half = Number(x.shape[x.shape.length - 1]) / 2;
  const turned = concat([neg(slice(x, -1, half)), slice(x, -1, 0, half)], -1);
  return add(mul(x, cosines), mul(turned, sines));
}

/** Cosine and sine of each plane's angle, `[time, size]`, the planes twice beside each other. */
function waves(time: number, size: number, offset: number): [Tensor, Tensor] {
  if (size % 2 !== 0) throw mismatch(`rotary positions: expected heads of an even size, received ${size}`);
  const table = (wave: (angle: number) => number) =>
    constant(
      Float32Array.from({ length: time * size }, (_, place) => {
        const [t, column] = [Math.floor(place / size), place % (size / 2)];
        return wave((t + offset) / 10_000 ** ((2 * column) / size));
      }),
      [time, size],
    );
  return [table(Math.cos), table(Math.sin)];
}
