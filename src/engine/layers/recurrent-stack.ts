import { foldIn, type Key, PlatformError } from "../../base/index.ts";
import {
  broadcastTo,
  cast,
  concat,
  flip,
  gatherAlong,
  less,
  mul,
  reshape,
  reverseSequence,
  sub,
  transpose,
} from "../operations.ts";
import { constant, type Tensor } from "../tensor.ts";
import { Dropout } from "./dropout.ts";
import { inference, type Layer, type Pass } from "./layer.ts";
import { Gru, Lstm, type RecurrentOptions, type RecurrentOutput, Rnn } from "./recurrent.ts";

const cells = { lstm: Lstm, gru: Gru, rnn: Rnn } as const;

export interface RecurrentStackOptions extends RecurrentOptions {
  readonly cell: keyof typeof cells;
  readonly numLayers?: number;
  /** A second network reads every sequence from its end; both results stand side by side. */
  readonly bidirectional?: boolean;
  /** Rate of dropout between two layers. */
  readonly dropout?: number;
  /** The first of the salts; one for each layer is used. */
  readonly salt?: number;
}

/**
 * Recurrent layers above each other, in one direction or both (Schuster and Paliwal 1997), over sequences of one length or of many.
 *
 * Shapes: x `[batch, time, features]`; sequence `[batch, time, directions * hidden]`, last `[batch, directions * hidden]`. With lengths,
 * int64 `[batch]` of 1 to time, steps past a sequence's end change nothing and are 0 in the result, and last is the state at its own
 * end, as of PyTorch's packed sequences.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when there is no layer
 */
export class RecurrentStack implements Layer {
  readonly layers: readonly (readonly (Lstm | Gru | Rnn)[])[];
  readonly dropouts: readonly Dropout[];

  constructor(
    inFeatures: number,
    hiddenSize: number,
    { cell, numLayers = 1, bidirectional = false, dropout = 0, salt = 0, ...options }: RecurrentStackOptions,
    key: Key,
  ) {
    if (!(Number.isSafeInteger(numLayers) && numLayers >= 1)) {
      const message = `recurrent stack: expected 1 layer or more, received ${numLayers}`;
      throw new PlatformError("input", "MODEL_OPTION_INVALID", message);
    }
    const directions = bidirectional ? 2 : 1;
    this.layers = Array.from({ length: numLayers }, (_, level) =>
      Array.from({ length: directions }, (__, direction) => {
        const from = level === 0 ? inFeatures : directions * hiddenSize;
        return new cells[cell](from, hiddenSize, foldIn(foldIn(key, level), direction), options);
      }),
    );
    this.dropouts = this.layers.slice(1).map((_, i) => new Dropout(dropout, salt + i));
  }

  run(x: Tensor, pass: Pass = inference, lengths?: Tensor): RecurrentOutput {
    const inside = lengths ? insideOf(x, lengths) : null;
    let sequence = x;
    let last = x;
    this.layers.forEach((directions, level) => {
      const input = level === 0 ? sequence : this.dropouts[level - 1].apply(sequence, pass);
      const outputs = directions.map((layer, direction) => {
        const turned = direction === 0 ? input : backwards(input, lengths);
        const run = layer.run(turned);
        const end = lengths ? stateAt(run.sequence, lengths) : run.last;
        const own = inside ? mul(run.sequence, inside) : run.sequence;
        return { last: end, sequence: direction === 0 ? own : backwards(own, lengths) };
      });
      sequence = concat(
        outputs.map((output) => output.sequence),
        2,
      );
      last = concat(
        outputs.map((output) => output.last),
        1,
      );
    });
    return { sequence, last };
  }

  /** The hidden state after every step. */
  apply(x: Tensor, pass: Pass = inference): Tensor {
    return this.run(x, pass).sequence;
  }
}

/** Every sequence from its end to its beginning; what lies behind its end stays there. */
function backwards(x: Tensor, lengths: Tensor | undefined): Tensor {
  if (!lengths) return flip(x, 1);
  return transpose(reverseSequence(transpose(x, [1, 0, 2]), lengths), [1, 0, 2]);
}

/** 1 where a step lies inside its sequence, `[batch, time, 1]`. */
function insideOf(x: Tensor, lengths: Tensor): Tensor {
  const [batch, time] = x.shape;
  const steps = constant(
    Array.from({ length: Number(time) }, (_, t) => t),
    [1, Number(time)],
    x.dtype,
  );
  return reshape(cast(less(steps, reshape(cast(lengths, x.dtype), [batch, 1])), x.dtype), [batch, time, 1]);
}

/** The state after the last step of each sequence, `[batch, hidden]`. */
function stateAt(sequence: Tensor, lengths: Tensor): Tensor {
  const [batch, , hidden] = sequence.shape;
  const place = broadcastTo(reshape(sub(lengths, constant([1], [1], "int64")), [batch, 1, 1]), [
    batch,
    1,
    hidden,
  ]);
  return reshape(gatherAlong(sequence, place, 1), [batch, hidden]);
}
