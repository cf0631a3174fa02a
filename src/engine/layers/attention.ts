import { foldIn, type Key, PlatformError, splitKey } from "../../base/index.ts";
import { add, concat, matmul, mul, reshape, softmax, split, transpose } from "../operations.ts";
import { type Dimension, formatShape, mismatch, sizeOf } from "../shape.ts";
import { constant, type Tensor } from "../tensor.ts";
import { Dropout } from "./dropout.ts";
import { inference, type Layer, type Pass } from "./layer.ts";
import { Linear } from "./linear.ts";
import { rotate, rotateAt } from "./positions.ts";

export interface AttentionOptions {
  readonly numHeads: number;
  /** Each position sees itself and what lies before it. */
  readonly causal?: boolean;
  /** Queries and keys are turned by their position (Su et al. 2021), so that products depend on distances only. */
  readonly rotary?: boolean;
  /** Rate at which attention weights are dropped. */
  readonly dropout?: number;
  /** Tells this layer's draws from those of the model's other layers. */
  readonly salt?: number;
}

/** What attention may look at beside its own sequence. */
export interface AttentionContext {
  /** Another sequence to read from, `[batch, otherTime, features]`: cross-attention. */
  readonly memory?: Tensor;
  /** 1 where a position of what is read may be seen, 0 where it is padding, `[batch, otherTime]`. */
  readonly visible?: Tensor;
}

/** Keys and values of the positions before, `[heads, past, size]` each; the past is the graph's open axis. */
export interface AttentionCache {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** How many sequences lie behind each other, and how long each is. */
export interface Sequences {
  readonly batch: Dimension;
  readonly time: Dimension;
}

/** Where a single step stands. */
export interface StepPosition {
  /** int64 `[1]`. */
  readonly position: Tensor;
  /** Positions stay below it. */
  readonly length: number;
}

/**
 * Scaled dot-product attention with several heads (Vaswani et al. 2017): `softmax(q kᵀ / √d) v` for each head, and a dense layer.
 *
 * Shapes: x and y `[batch, time, features]`; every weight `[features, features]`; a head has `features / numHeads` numbers.
 * Initial values are those of `Linear`.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when the heads do not divide the features
 */
export class MultiHeadAttention implements Layer {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly output: Linear;
  readonly dropout: Dropout;
  readonly features: number;
  readonly numHeads: number;
  readonly causal: boolean;
  readonly rotary: boolean;

  constructor(
    features: number,
    { numHeads, causal = false, rotary = false, dropout = 0, salt = 0 }: AttentionOptions,
    key: Key,
  ) {
    if (!(Number.isSafeInteger(numHeads) && numHeads >= 1 && features % numHeads === 0)) {
      const message = `attention: expected a number of heads that divides ${features} features, received ${numHeads}`;
      throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
    }
    const make = (projectionKey: Key) => new Linear(features, features, projectionKey);
    [this.query, this.key, this.value] = splitKey(foldIn(key, "read"), 3).map(make);
    this.output = make(foldIn(key, "output"));
    this.dropout = new Dropout(dropout, salt);
    this.features = features;
    this.numHeads = numHeads;
    this.causal = causal;
    this.rotary = rotary;
  }

  apply(x: Tensor, pass: Pass = inference, { memory = x, visible }: AttentionContext = {}): Tensor {
    for (const sequence of [x, memory]) {
      if (sequence.shape.length !== 3 || sequence.shape[2] !== this.features) {
        throw mismatch(
          `attention: expected a sequence [batch, time, ${this.features}], received ${formatShape(sequence.shape)}`,
        );
      }
    }
    const [batch, time] = x.shape;
    const context = { ...(memory !== x && { memory }), ...(visible && { visible }) };
    return reshape(this.applyRows(rowsOf(x), { batch, time }, pass, context), x.shape);
  }

  /**
   * `apply` on the positions of all sequences behind each other, so that layers which look at one position at a time need not take them
   * apart in between.
   *
   * Shapes: x and y `[batch * time, features]`.
   */
  applyRows(x: Tensor, sequences: Sequences, pass: Pass, { memory, visible }: AttentionContext): Tensor {
    const size = this.features / this.numHeads;
    const { query, key, value } = this;
    const turn = (heads: Tensor) => (this.rotary ? rotate(heads) : heads);
    const scale = 1 / Math.sqrt(size);
    // In training the weights of the queries are scaled, since scores are many, and their gradients have to be scaled back. A model that
    // is exported says it as everybody does.
    const isTraining = pass.mode === "training";
    const own = this.#heads(x, sequences, memory ? [query] : [query, key, value], isTraining ? scale : 1);
    const read = memory
      ? this.#heads(rowsOf(memory), { batch: memory.shape[0], time: memory.shape[1] }, [key, value])
      : own.slice(1);
    const [q, k, v] = [turn(own[0]), turn(read[0]), read[1]]; // [batch, heads, time, size]
    const products = matmul(q, k, { transposeB: true }); // [batch, heads, time, otherTime]
    let scores = isTraining ? products : mul(products, scale);
    if (this.causal) scores = add(scores, causalMask(Number(q.shape[2]), Number(k.shape[2])));
    if (visible) {
      const [batch, time] = visible.shape;
      scores = add(scores, reshape(mul(add(visible, -1), hidden), [batch, 1, 1, time]));
    }
    const mixed = matmul(this.dropout.apply(softmax(scores), pass), v);
    return this.output.apply(reshape(transpose(mixed, [0, 2, 1, 3]), x.shape));
  }

  /**
   * One position of one sequence, which sees itself and all before it: what causal self-attention answers there, without computing
   * the others anew. The cache that it gives back is one position longer.
   *
   * Shapes: x and y `[1, features]`.
   */
  step(
    x: Tensor,
    past: AttentionCache,
    { position, length }: StepPosition,
  ): { readonly y: Tensor; readonly present: AttentionCache } {
    const size = this.features / this.numHeads;
    const heads = (row: Tensor) => reshape(row, [this.numHeads, 1, size]);
    const turn = (head: Tensor) => (this.rotary ? rotateAt(head, position, length) : head);
    const q = turn(heads(this.query.apply(x)));
    const key = concat([past.key, turn(heads(this.key.apply(x)))], 1); // [heads, past + 1, size]
    const value = concat([past.value, heads(this.value.apply(x))], 1);
    const scores = mul(matmul(q, key, { transposeB: true }), 1 / Math.sqrt(size));
    const mixed = matmul(softmax(scores), value); // [heads, 1, size]
    return { y: this.output.apply(reshape(mixed, [1, this.features])), present: { key, value } };
  }

  /**
   * Several projections of the same rows in one product, `[batch * time, features]` to `[batch, heads, time, size]` each, the first one times
   * `scale`.
   */
  #heads(x: Tensor, { batch, time }: Sequences, layers: readonly Linear[], scale = 1): Tensor[] {
    const count = layers.length;
    const size = this.features / this.numHeads;
    const joined = (part: "weight" | "bias") => {
      const [first, ...others] = layers.map((layer) => layer[part] as Tensor);
      const scaled = scale === 1 ? first : mul(first, scale);
      return count === 1 ? scaled : concat([scaled, ...others], 0);
    };
    const projected = matmul(x, joined("weight"), { transposeB: true, bias: joined("bias") });
    const apart = reshape(projected, [batch, time, count, this.numHeads, size]);
    const heads = transpose(apart, [2, 0, 3, 1, 4]); // [count, batch, heads, time, size]
    const parts = count === 1 ? [heads] : split(heads, 0, Array(count).fill(1));
    return parts.map((part) => reshape(part, [batch, this.numHeads, time, size]));
  }
}

/** `[batch, time, features]` to `[batch * time, features]`. */
export function rowsOf(x: Tensor): Tensor {
  return reshape(x, [sizeOf(x.shape.slice(0, 2)), x.shape[2]]);
}

/** Added to a score that must not count: far enough from any other to vanish in the softmax, and still a number. */
const hidden = 1e9;

/** 0 where position `row` may see position `column`, far below elsewhere; the last row sees everything. */
function causalMask(rows: number, columns: number): Tensor {
  const behind = columns - rows;
  const mask = Float32Array.from({ length: rows * columns }, (_, i) =>
    i % columns <= Math.floor(i / columns) + behind ? 0 : -hidden,
  );
  return constant(mask, [rows, columns]);
}
