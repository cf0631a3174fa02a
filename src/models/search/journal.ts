/** What a search has found so far, in a file that outlives the process: a line of JSON for each job, on the disk before the next begins. */
import { z } from "zod";
import { PlatformError } from "../../base/index.ts";
import { appendJsonLines, readJsonLines } from "../json-lines.ts";

/** What makes a search the same search. */
export interface SearchIdentity {
  readonly strategy: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly space: unknown;
  readonly key: { readonly high: number; readonly low: number };
}

export const JobRecord = z.object({
  trial: z.number().int(),
  parameters: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  budget: z.number(),
  score: z.number().nullable(),
  /** Why there is no score. */
  failure: z.string().optional(),
  /** What the trial said on its way. */
  reports: z.array(z.object({ budget: z.number(), score: z.number() })),
});
export type JobRecord = z.infer<typeof JobRecord>;

/** Where a search keeps what is done. */
export interface SearchJournal {
  /** The jobs of earlier runs of this search. @throws PlatformError `SEARCH_FOREIGN` when they are of another one */
  open(identity: SearchIdentity): Promise<JobRecord[]>;
  append(record: JobRecord): Promise<void>;
}

export const noJournal: SearchJournal = { open: async () => [], append: async () => {} };

/**
 * A journal in a file. Its first line says which search it is of; a last line that was not finished when the process died is cut off, and
 * its job runs again.
 */
export function fileJournal(path: string): SearchJournal {
  return {
    async open(identity) {
      const [header, ...records] = await readJsonLines(path);
      if (header === undefined) {
        await appendJsonLines(path, [identity]);
        return [];
      }
      if (JSON.stringify(header) !== JSON.stringify(identity)) {
        throw new PlatformError(
          "conflict",
          "SEARCH_FOREIGN",
          `${path}: expected the journal of this search, received that of another space, strategy or seed`,
          { file: path, line: 1 },
        );
      }
      return records.map((record, i) => {
        const parsed = JobRecord.safeParse(record);
        if (parsed.success) return parsed.data;
        const { path: field, message } = parsed.error.issues[0];
        throw new PlatformError(
          "conflict",
          "ARTIFACT_CORRUPT",
          `${path}, line ${i + 2}: expected a finished trial: field ${field.join(".")}: ${message}`,
          { file: path, line: i + 2 },
        );
      });
    },
    append: (record) => appendJsonLines(path, [record]),
  };
}
