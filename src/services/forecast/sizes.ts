import type { PriceColumn } from "../../data/index.ts";
import { type NetworkSizes, networkSizes } from "../../models/index.ts";
import { featureNames } from "./features.ts";
import type { TrainInput } from "./schema.ts";

/** The network's sizes, with its own defaults where none were asked for. */
export function sizesOf(
  { model, lookback, ...sizes }: TrainInput,
  columns: readonly PriceColumn[],
): NetworkSizes {
  const { hiddenSize, numLayers, numHeads, patchLength, kernelSize, dropout } = sizes;
  const asked = { hiddenSize, numLayers, numHeads, patchLength, kernelSize, dropout };
  // Defaults follow the window; how many numbers come out does not matter to them.
  const window = { lookback, features: featureNames(columns).length, outputs: 1 };
  return networkSizes(model, { ...window, ...asked });
}
