import type { z } from "zod";
import type { Context } from "./ports.ts";
import type { Access } from "./scopes.ts";

/** `reads` changes nothing; `destroys` takes away or ends what was there; everything else `writes`. */
export type Effect = "reads" | "writes" | "destroys";

/**
 * One thing that Fathom can do. The command, the HTTP route, the OpenAPI entry, the agent tool, the job and the form are
 * all derived from this declaration.
 */
export interface Capability<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodType = z.ZodType> {
  /** `service.action`, such as `forecast.train`. */
  readonly name: string;
  readonly summary: string;
  readonly input: Input;
  readonly output: Output;
  /** `answer` replies in the request; `task` is long work that HTTP runs in the background with progress events. */
  readonly mode: "answer" | "task";
  /** What a key needs the right to, and what an agent is told before it calls; `writes` unless it is said. */
  readonly effect: Effect;
  /** Whether the output holds a secret: such a call never runs in the background, where outputs are kept. */
  readonly secretOutput?: boolean;
  /** Whether the output is evidence, such as entries under their hashes: no edge may put it in other words. */
  readonly isEvidence?: boolean;
  /** Fields of the input that name files or folders: over HTTP they start at the data folder, and must stay inside it. */
  readonly paths: readonly string[];
  /** The same for models, where a plain word is a name below the data folder's `models` and no file of that name. */
  readonly artifacts: readonly string[];
  /** What an input asks the right to beside the capability itself; it may be one that the schema has not seen yet. */
  readonly needs?: (input: z.output<Input>) => readonly Access[];
  /** The field that a command may give as a plain word after its action: `fathom model describe my-model`. */
  readonly positional?: string;
  /** A few lines for a person, written to standard output by the command line unless it prints JSON. */
  readonly print?: (output: z.output<Output>) => string;
  run(input: z.output<Input>, context: Context): Promise<z.output<Output>>;
}

/** Declares a capability. */
export function capability<Input extends z.ZodObject, Output extends z.ZodType>(
  declaration: Omit<Capability<Input, Output>, "mode" | "paths" | "artifacts" | "effect"> &
    Partial<Pick<Capability, "mode" | "paths" | "artifacts" | "effect">>,
): Capability<Input, Output> {
  return { mode: "answer", paths: [], artifacts: [], effect: "writes", ...declaration };
}
