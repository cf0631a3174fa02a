/** Work for fault tests: short, of any length, and counted. */
import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { type Capability, capability, interrupted } from "../../src/base/index.ts";

const work = capability({
  name: "toy.work",
  summary: "Takes a while, and says that it was here",
  mode: "task",
  input: z.object({
    number: z.int(),
    ms: z.int().min(0).default(0),
    /** Gets a line each time the work has been done, whatever becomes of the result. */
    file: z.string().optional(),
    text: z.string().max(1000).default(""),
  }),
  output: z.object({ number: z.int() }),
  async run({ number, ms, file }, { signal, ledger }) {
    await sleep(ms, undefined, { signal }).catch(() => {
      throw interrupted("toy.work");
    });
    if (file !== undefined) {
      await appendFile(file, `${number}\n`);
      await ledger.append({ action: "toy.work", subject: String(number), payload: {} });
    }
    return { number };
  },
});

const echo = capability({
  name: "toy.echo",
  summary: "Answers with what it was given",
  input: z.object({
    text: z.string().min(1).max(100),
    count: z.int().min(1).max(9).default(1),
    nested: z
      .object({ rate: z.number().gt(0).lt(1).default(0.5), tags: z.array(z.string()).default([]) })
      .prefault({}),
    weights: z.record(z.string(), z.number()).optional(),
  }),
  output: z.object({ text: z.string() }),
  run: async ({ text, count }) => ({ text: text.repeat(count) }),
});

export const toys = [work, echo] as unknown as readonly Capability[];
