/** The optimiser's move as a graph: of all parameters at once, or of one block of them after the other. */
import { invariant } from "../../base/index.ts";
import { type Graph, traceGraph } from "../graph.ts";
import { concat, split } from "../operations.ts";
import { clipByNorm, type UpdateArguments } from "../optimisers.ts";
import type { PrimitiveName } from "../primitives/table.ts";
import { constant, input, type Tensor } from "../tensor.ts";
import { carriedNames, graphNames } from "./names.ts";
import { learned, packEach, packedSize } from "./packing.ts";
import type { TrainingSpec } from "./program.ts";

/**
 * The next parameters and memory by `graphNames.next`, and `gradient_norm`.
 *
 * @param all `[size]`, what is learned first, then the statistics
 * @param gradient `[size]`: the gradient, then the statistics' next values
 */
export function wholeUpdate(spec: TrainingSpec, all: Tensor, gradient: Tensor): Record<string, Tensor> {
  const named = learned(spec.parameters);
  const size = packedSize(named);
  const statistics = Number(all.shape[0]) - size;
  const cut = (vector: Tensor) => (statistics === 0 ? [vector] : split(vector, 0, [size, statistics]));
  const [raw, ...nextStatistics] = cut(gradient);
  const { gradient: clipped, norm } = clipByNorm(raw, spec.clipNorm ?? Number.POSITIVE_INFINITY);
  const [parameters, ...memory] = move(spec, {
    parameters: cut(all)[0],
    gradient: clipped,
    perValue: (of) => constant(packEach(named, of)),
  });
  return { ...nextByName(spec, [concat([parameters, ...nextStatistics]), ...memory]), gradient_norm: norm };
}

/** An update that is run on one block of learned values after the other. */
export interface BlockUpdate {
  /** Reads `parameters`, `gradient` and the memory of a block, `gradient_norm` of the whole, and `perValue`; answers as `wholeUpdate` does. */
  readonly graph: Graph;
  /** Learned values of a block; the last block is filled up. */
  readonly block: number;
  /** What the optimiser asked for each learned value, `[learnedSize]`, by input name. */
  readonly perValue: Readonly<Record<string, Float32Array>>;
}

/** So many values that what an update reads and writes of them stays in the near memory of one processor core. */
const nearValues = 1 << 15;

/** Blocks begin where vector instructions like to. */
const alignment = 64;

/**
 * The update of a block: so short that each of `parts` has one, unless the optimiser does not treat every value by itself, when the
 * block is everything.
 */
export function blockUpdate(spec: TrainingSpec, parts: number): BlockUpdate {
  const size = packedSize(learned(spec.parameters));
  const part = Math.ceil(size / parts / alignment) * alignment;
  const short = updateOfLength(spec, Math.min(nearValues, part, size));
  return short.graph.nodes.every(({ primitive }) => byValue.has(primitive))
    ? short
    : updateOfLength(spec, size);
}

function updateOfLength(spec: TrainingSpec, block: number): BlockUpdate {
  const named = learned(spec.parameters);
  const perValue: Record<string, Float32Array> = {};
  const { gradient } = clipByNorm(
    input("gradient", [block]),
    spec.clipNorm ?? Number.POSITIVE_INFINITY,
    input("gradient_norm", []),
  );
  const next = move(spec, {
    parameters: input("parameters", [block]),
    gradient,
    perValue: (of) => {
      const name = graphNames.perValue(Object.keys(perValue).length);
      perValue[name] = packEach(named, of);
      return input(name, [block]);
    },
  });
  return { graph: traceGraph(nextByName(spec, next)), block, perValue };
}

/** The next parameters, and then the memory. */
function move(
  { optimiser }: TrainingSpec,
  given: Pick<UpdateArguments, "parameters" | "gradient" | "perValue">,
): Tensor[] {
  const next = optimiser.update({
    ...given,
    memory: optimiser.memory.map((name) => input(graphNames.memory(name), given.parameters.shape)),
    settings: optimiser.settings.map((name) => input(graphNames.setting(name), [])),
  });
  invariant(next.memory.length === optimiser.memory.length, "an optimiser answers all that it remembers");
  return [next.parameters, ...next.memory];
}

function nextByName({ optimiser }: TrainingSpec, values: readonly Tensor[]): Record<string, Tensor> {
  return Object.fromEntries(
    carriedNames(optimiser).map((name, i) => [graphNames.next(name), values[i]] as const),
  );
}

/** What treats every value by itself. */
const byValue: ReadonlySet<PrimitiveName> = new Set([
  ...(["input", "constant", "add", "sub", "mul", "div", "maximum", "minimum"] as const),
  ...(["less", "equal", "where", "neg", "abs", "sign", "exp", "log", "sqrt", "tanh", "sigmoid"] as const),
  ...(["relu", "leakyRelu", "gelu", "erf", "sin", "cos", "cast", "stopGradient"] as const),
]);
