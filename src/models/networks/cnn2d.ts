/** Chart images to answers: the convolutional network of Jiang, Kelly and Xiu (2023), "(Re-)Imag(in)ing price trends", J. Finance 78(6). */
import { foldIn, type Key, PlatformError } from "../../base/index.ts";
import {
  BatchNorm,
  Conv2d,
  Dropout,
  inference,
  type Layer,
  type Linear,
  leakyRelu,
  maxPool,
  type Pass,
  reshape,
  type Tensor,
} from "../../engine/index.ts";
import { smallHead } from "./architecture.ts";

export interface ChartNetworkOptions {
  /** Days in the picture: the paper has one network for each. */
  readonly days: 5 | 20 | 60;
  readonly outputs: number;
  /** Channels of the first block, doubled from block to block; the paper's 64 by default. */
  readonly channels?: number;
  /** Share of the last layer's inputs that training drops; the paper's one half by default. */
  readonly dropout?: number;
}

/** Pixels, blocks, and how the first layer strides over the rows, most of which are black. */
const pictures = {
  5: { height: 32, width: 15, blocks: 2, stride: 1, dilation: 1, padding: 2 },
  20: { height: 64, width: 60, blocks: 3, stride: 3, dilation: 2, padding: 12 },
  60: { height: 96, width: 180, blocks: 4, stride: 3, dilation: 3, padding: 12 },
} as const;

/**
 * Blocks of a 5x3 convolution, batch norm, leaky relu of 0.01 and 2x1 max pooling; dropout; a dense layer.
 *
 * Shapes: x `[batch, 1, height, width]` of 0 and 1, as `chartMatrix` gives it: 32x15, 64x60 or 96x180 for 5, 20 or 60 days; result
 * `[batch, outputs]`. The paper states stride and dilation of the first layer and not its padding; 12 rows give the 46 080 and 184 320
 * numbers before the dense layer, and so the parameters, that it does state.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when days, channels or outputs are not such, or the dropout not in [0, 1)
 */
export class ChartNetwork implements Layer {
  readonly convolutions: readonly Conv2d[];
  readonly norms: readonly BatchNorm[];
  readonly dropout: Dropout;
  readonly head: Linear;

  constructor({ days, outputs, channels = 64, dropout = 0.5 }: ChartNetworkOptions, key: Key) {
    if (!Object.hasOwn(pictures, days)) throw invalid("5, 20 or 60 days", days);
    for (const [name, value] of Object.entries({ channels, outputs })) {
      if (!(Number.isSafeInteger(value) && value >= 1)) throw invalid(`${name} of 1 or more`, value);
    }
    const { height, width, blocks, stride, dilation, padding } = pictures[days];
    const widths = Array.from({ length: blocks }, (_, i) => channels * 2 ** i);
    this.convolutions = widths.map((out, i) => {
      const window =
        i === 0
          ? { stride: [stride, 1], dilation: [dilation, 1], padding: [padding, 1] }
          : { padding: [2, 1] };
      return new Conv2d(i === 0 ? 1 : widths[i - 1], out, [5, 3], window, foldIn(key, `block ${i}`));
    });
    this.norms = widths.map((out) => new BatchNorm(out));
    this.dropout = new Dropout(dropout, 0);
    const first = Math.floor((height + 2 * padding - 4 * dilation - 1) / stride) + 1;
    const rows = widths.reduce((left) => Math.floor(left / 2), first); // pooling halves them in each block
    this.head = smallHead(widths[blocks - 1] * rows * width, outputs, foldIn(key, "head"));
  }

  apply(x: Tensor, pass: Pass = inference): Tensor {
    let hidden = x;
    this.convolutions.forEach((convolution, i) => {
      const active = leakyRelu(this.norms[i].apply(convolution.apply(hidden), pass), 0.01);
      hidden = maxPool(active, [2, 1]);
    });
    const [batch, ...rest] = hidden.shape;
    const flat = reshape(hidden, [batch, rest.reduce<number>((a, b) => a * Number(b), 1)]);
    return this.head.apply(this.dropout.apply(flat, pass));
  }
}

function invalid(expected: string, received: number): PlatformError {
  return new PlatformError(
    "input",
    "MODEL_OPTION_INVALID",
    `network cnn2d: expected ${expected}, received ${received}`,
  );
}
