import { countFor, indexRanges, outside, requireIndices } from "../index-ranges.ts";
import type { TensorValue } from "../runtime/runtime.ts";
import { inputName } from "../tensor.ts";
import { columnOf, graphNames } from "./names.ts";
import { samplesGraph, type TrainingProgram } from "./program.ts";

/**
 * Checks sample numbers, and what the columns of these samples name.
 *
 * @param samples sample numbers, by what the caller calls them
 * @throws PlatformError `INDEX_OUT_OF_RANGE` for a number below 0, or one that a column has no row for; or when a column names a row, a
 *   token or a class that the model does not have
 */
export function requireSamples(
  program: TrainingProgram,
  data: Readonly<Record<string, TensorValue>>,
  samples: Readonly<Record<string, Int32Array>>,
): void {
  const graph = samplesGraph(program);
  const ranges = indexRanges(graph);
  if (graph.inputs.some((tensor) => inputName(tensor) === "indices")) {
    const count = countFor(ranges, "indices");
    for (const [name, numbers] of Object.entries(samples)) {
      const wrong = numbers.findIndex((number) => !(number >= 0 && number < count));
      if (wrong >= 0) throw outside("training", `${name}[${wrong}]`, count, numbers[wrong]);
    }
  }
  const columns = Object.entries(data).map(([name, value]) => [graphNames.data(name), value] as const);
  for (const numbers of Object.values(samples))
    requireIndices("training", ranges, Object.fromEntries(columns), {
      rows: { indices: numbers },
      nameOf: columnOf,
    });
}
