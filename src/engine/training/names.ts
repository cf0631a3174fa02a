import type { Optimiser } from "../optimisers.ts";

/** Names that the graphs of a training share with whoever runs them. */
export const graphNames = {
  data: (column: string) => `data_${column}`,
  memory: (name: string) => `memory_${name}`,
  setting: (name: string) => `setting_${name}`,
  next: (name: string) => `next_${name}`,
  perValue: (number: number) => `per_value_${number}`,
} as const;

/** The column behind an input's name. */
export const columnOf = (name: string): string => name.replace(/^data_/, "");

/** Everything that travels from step to step. */
export function carriedNames({ memory }: Optimiser): string[] {
  return ["parameters", ...memory.map(graphNames.memory)];
}
