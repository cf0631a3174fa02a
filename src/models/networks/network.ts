/** The networks that read a window and answer with numbers: one row for each. */
import type { Key } from "../../base/index.ts";
import type { Layer } from "../../engine/index.ts";
import {
  type Architecture,
  type ArchitectureSizes,
  optionInvalid,
  type WindowShape,
} from "./architecture.ts";
import { cnn1d } from "./cnn1d.ts";
import { dlinear } from "./dlinear.ts";
import { inceptionTime } from "./inception-time.ts";
import { itransformer } from "./itransformer.ts";
import { linear, mlp } from "./mlp.ts";
import { nbeats, nbeatsInterpretable } from "./nbeats.ts";
import { nhits } from "./nhits.ts";
import { nlinear } from "./nlinear.ts";
import { patchTst } from "./patch-tst.ts";
import { gru, lstm, rnn } from "./recurrent.ts";
import { tcn } from "./tcn.ts";
import { transformer } from "./transformer.ts";

/** To add an architecture is to add its row here and its case in `network.test.ts`, which does not compile without. */
export const architectures = {
  lstm,
  gru,
  rnn,
  mlp,
  /** The first name of `mlp`, which stored models still have. */
  dense: mlp,
  linear,
  cnn1d,
  inceptionTime,
  tcn,
  dlinear,
  nlinear,
  nbeats,
  nbeatsInterpretable,
  nhits,
  patchTst,
  transformer,
  itransformer,
} as const satisfies Readonly<Record<string, Architecture>>;

export type NetworkName = keyof typeof architectures;
export const networkNames = Object.keys(architectures) as readonly NetworkName[];

/** What people call each network, inside a sentence; `model` fields keep the short names above. */
export const networkTitles: Readonly<Record<NetworkName, string>> = {
  lstm: "LSTM",
  gru: "GRU",
  rnn: "RNN",
  mlp: "MLP",
  dense: "MLP",
  linear: "linear network",
  cnn1d: "CNN",
  inceptionTime: "InceptionTime",
  tcn: "TCN",
  dlinear: "DLinear",
  nlinear: "NLinear",
  nbeats: "N-BEATS",
  nbeatsInterpretable: "interpretable N-BEATS",
  nhits: "N-HiTS",
  patchTst: "PatchTST",
  transformer: "Transformer",
  itransformer: "iTransformer",
};

/** How large a network is, and how it is regularised; what is left out has the architecture's own default. */
export type NetworkSizes = {
  readonly [Name in keyof ArchitectureSizes]?: ArchitectureSizes[Name] | undefined;
};
export type NetworkOptions = WindowShape & NetworkSizes;

/**
 * Makes a network that maps windows `[batch, lookback, features]` to `[batch, outputs]`.
 *
 * The last layer starts small, so that an untrained network answers close to zero, the mean of a normalised target. Options that the
 * architecture does not read are left aside, so that one set of options serves a comparison of many.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more, the dropout is not in [0, 1), or sizes
 *   do not fit each other: heads that do not divide the hidden size, a patch longer than the window
 */
export function network(name: NetworkName, options: NetworkOptions, key: Key): Layer {
  const { lookback, features, outputs } = options;
  const { make }: Architecture = architectures[name];
  const sizes = networkSizes(name, options);
  // The row's declaration says that it has a default for all it reads.
  return make({ lookback, features, outputs, ...sizes } as WindowShape & ArchitectureSizes, key);
}

/**
 * The options that an architecture reads, as asked for or with its own default: what to write down to make the same network again.
 *
 * @throws PlatformError `MODEL_OPTION_INVALID` when a size is not a whole number of 1 or more, or the heads do not divide the hidden size
 * @example
 * networkSizes("dlinear", { lookback: 30, features: 2, outputs: 1, hiddenSize: 64 }); // => { kernelSize: 25 }
 */
export function networkSizes(
  name: NetworkName,
  { lookback, features, outputs, ...options }: NetworkOptions,
): Partial<ArchitectureSizes> {
  const { defaults, least = {} }: Architecture = architectures[name];
  const window = { lookback, features, outputs };
  for (const option of ["lookback", "features", "outputs"] as const)
    requireWhole(name, option, window[option], 1);
  const entries = Object.entries(defaults(window)) as [keyof ArchitectureSizes, number][];
  const sizes: Partial<ArchitectureSizes> = Object.fromEntries(
    entries.map(([option, usual]) => {
      const value = options[option] ?? usual;
      if (option !== "dropout") requireWhole(name, option, value, least[option] ?? 1);
      return [option, value];
    }),
  );
  const { hiddenSize, numHeads } = sizes;
  if (hiddenSize !== undefined && numHeads !== undefined && hiddenSize % numHeads !== 0)
    throw options.numHeads === undefined // the network's own; it is the other that was asked for
      ? optionInvalid(name, "hiddenSize", `a multiple of the ${numHeads} heads`, hiddenSize)
      : optionInvalid(name, "numHeads", `a number that divides the hidden size, ${hiddenSize}`, numHeads);
  return sizes;
}

function requireWhole(
  name: NetworkName,
  option: keyof (ArchitectureSizes & WindowShape),
  value: number,
  least: number,
): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw optionInvalid(name, option, `a whole number of ${least} or more`, value);
}
