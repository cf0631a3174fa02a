/** A search that takes its time, for a test that kills it: `node --import tsx slow-search.ts journal.jsonl`. */
import { setTimeout as sleep } from "node:timers/promises";
import { keyFrom } from "../../../base/index.ts";
import {
  fileJournal,
  logUniformBetween,
  oneOf,
  type SearchOptions,
  search,
  tpe,
  uniformBetween,
} from "../index.ts";

export const slowSearch = (pauseMs: number) =>
  ({
    space: { x: uniformBetween(-2, 2), rate: logUniformBetween(1e-4, 1), kind: oneOf("a", "b", "c") },
    strategy: tpe({ trials: 40, startup: 6 }),
    key: keyFrom(11),
    trial: async ({ x, rate, kind }, { report }) => {
      await sleep(pauseMs);
      report({ budget: 0.5, score: Number(x) });
      return (Number(x) - 0.5) ** 2 + (Math.log10(Number(rate)) + 2) ** 2 + (kind === "b" ? 0 : 1);
    },
  }) satisfies SearchOptions;

if (process.argv[1] === import.meta.filename)
  await search({ ...slowSearch(40), journal: fileJournal(process.argv[2]) });
