/** What a training says of itself on the way, for a person who looks at the curve afterwards. */
import { rename, writeFile } from "node:fs/promises";
import { z } from "zod";
import { PlatformError, writeFailure } from "../base/index.ts";
import { appendJsonLines, readJsonLines } from "./json-lines.ts";

/** Some steps of a training. */
export const TrainingRecord = z.object({
  /** The last of these steps; 1 is the first of the training. */
  step: z.number().int(),
  epoch: z.number().int(),
  /** Mean over these steps, while the parameters moved. */
  loss: z.number(),
  /** Of the last of these steps. */
  learningRate: z.number(),
  /** Mean length of the gradient before clipping. */
  gradientNorm: z.number(),
});
export type TrainingRecord = z.infer<typeof TrainingRecord>;

/** Where a training puts its records. */
export interface TrainingLog {
  /** Called before the first step of a training, or of one that is taken up again after `step`: later records are made anew. */
  begin(step: number): Promise<void>;
  write(records: readonly TrainingRecord[]): Promise<void>;
}

/** A training log on the disk. */
export interface FileLog extends TrainingLog {
  /** All records, in the order of the steps. @throws PlatformError `ARTIFACT_CORRUPT` */
  records(): Promise<TrainingRecord[]>;
}

/** Records as lines of JSON in a file, which after an interruption is what it would have been without. */
export function fileLog(path: string): FileLog {
  const records = async () =>
    (await readJsonLines(path)).map((record, i) => {
      const parsed = TrainingRecord.safeParse(record);
      if (parsed.success) return parsed.data;
      throw new PlatformError(
        "conflict",
        "ARTIFACT_CORRUPT",
        `${path}, line ${i + 1}: expected a record of a training: ${parsed.error.issues[0].message}`,
        { file: path, line: i + 1 },
      );
    });
  return {
    records,
    async begin(step) {
      const kept = (await records()).filter((record) => record.step <= step);
      const text = kept.map((record) => `${JSON.stringify(record)}\n`).join("");
      try {
        await writeFile(`${path}.new`, text, { flush: true });
        await rename(`${path}.new`, path);
      } catch (error) {
        throw writeFailure(path, error);
      }
    },
    write: (added) => appendJsonLines(path, added),
  };
}

/** Gathers steps into records: one for every `every` steps of an epoch, and one for those that are left at its end. */
export class StepGatherer {
  readonly #every: number;
  #steps: TrainingRecord[] = [];

  constructor(every: number) {
    this.#every = every;
  }

  /** The record that this step completes, if it does. */
  add(step: TrainingRecord): TrainingRecord[] {
    this.#steps.push(step);
    return this.#steps.length === this.#every ? this.flush() : [];
  }

  flush(): TrainingRecord[] {
    const steps = this.#steps;
    this.#steps = [];
    const last = steps.at(-1);
    if (!last) return [];
    const mean = (name: "loss" | "gradientNorm") =>
      steps.reduce((total, step) => total + step[name], 0) / steps.length;
    return [{ ...last, loss: mean("loss"), gradientNorm: mean("gradientNorm") }];
  }
}
