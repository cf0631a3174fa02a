/** `npm run bench -- NAME`: tables for people, or with `--json` one document on standard output. */
import { benchData } from "./data/rows.ts";
import { dataText } from "./data/text.ts";
import { compareEngine } from "./engine/compare.ts";
import { engineText } from "./engine/text.ts";
import { benchGrowth } from "./growth/rows.ts";
import { growthText } from "./growth/text.ts";
import { benchJobs } from "./jobs/rows.ts";
import { jobsText } from "./jobs/text.ts";
import { machine, machineText } from "./machine.ts";
import { comparePortfolio } from "./portfolio/compare.ts";
import { portfolioText } from "./portfolio/text.ts";
import { benchEndurance } from "./serve/endurance.ts";
import { benchServe } from "./serve/rows.ts";
import { enduranceText, serveText } from "./serve/text.ts";

export interface Options {
  readonly json: boolean;
  /** Part of the name of the rows to run; empty for all. */
  readonly only: string;
  /** Of mixed load, for `serve`. */
  readonly minutes: number;
}

interface Printable {
  readonly document: object;
  readonly text: string;
}

type Benchmark = (options: Options, say: (line: string) => void) => Promise<Printable>;

const benchmarks: Readonly<Record<string, Benchmark>> = {
  engine: async ({ only }, say) => {
    const comparison = await compareEngine(only, say);
    return { document: comparison, text: engineText(comparison) };
  },
  data: async (_, say) => {
    say("0.25, 1 and 4 million OHLCV rows from CSV: read, clean, window");
    const rows = await benchData();
    return { document: { rows }, text: dataText(rows) };
  },
  serve: async ({ minutes }, say) => {
    const comparison = await benchServe(minutes, say);
    return { document: comparison, text: serveText(comparison) };
  },
  endurance: async ({ minutes }, say) => {
    say(`mixed load for ${minutes} minutes`);
    const endurance = await benchEndurance(minutes);
    return { document: endurance, text: enduranceText(endurance) };
  },
  jobs: async (_, say) => {
    const rows = await benchJobs(say);
    return { document: { rows }, text: jobsText(rows) };
  },
  growth: async (_, say) => {
    const rows = await benchGrowth(say);
    return { document: { rows }, text: growthText(rows) };
  },
  portfolio: async ({ only }, say) => {
    const comparison = await comparePortfolio(only, say);
    return { document: comparison, text: portfolioText(comparison) };
  },
};

export async function main(name: string, options: Options): Promise<void> {
  const facts = machine();
  const say = (line: string) => process.stderr.write(`bench: ${line}\n`);
  const { document, text } = await benchmarks[name](options, say);
  const shown = options.json
    ? JSON.stringify({ machine: facts, ...document }, null, 2)
    : `${machineText(facts)}\n\n${text}`;
  process.stdout.write(`${shown}\n`);
}
