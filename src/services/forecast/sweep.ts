/** Many trainings from one request: over seeds, to see how much of a score is chance, and over symbols. */
import {
  type Context,
  type JobOutcome,
  mean,
  PlatformError,
  standardDeviation,
  throwIfAborted,
} from "../../base/index.ts";
import { sourceOf } from "./prepare.ts";
import {
  type SweepInput,
  type SweepOutput,
  type SweptTraining,
  type TrainInput,
  TrainOutput,
} from "./schema.ts";
import { train } from "./train.ts";

/**
 * Trains once for each symbol and seed. As a job it hands each training to the queue, where every worker takes part; a sweep
 * that is tried again finds the trainings that are done. A training that fails is reported and stops no other.
 */
export async function sweep(input: SweepInput, context: Context): Promise<SweepOutput> {
  const asked = (await symbolsOf(input, context)).flatMap((symbol) =>
    input.seeds.map((seed) => ({ symbol, seed, request: requestOf(input, symbol, seed) })),
  );
  const outcomes = context.job
    ? await context.job.runParts(
        asked.map(({ request }) => ({ capability: "forecast.train", input: request })),
      )
    : await trainInTurn(
        asked.map(({ request }) => request),
        context,
      );
  const trainings = asked.map(({ symbol, seed }, i) => trainingOf(symbol, seed, outcomes[i]));
  const skills = trainings.flatMap(({ skill }) => skill ?? []);
  return {
    trainings,
    failed: trainings.filter(({ artifact }) => artifact === null).length,
    skill:
      skills.length === 0
        ? null
        : {
            mean: mean(skills),
            standardDeviation: skills.length < 2 ? null : standardDeviation(skills),
            lowest: Math.min(...skills),
            highest: Math.max(...skills),
          },
  };
}

/** The symbols that get a model of their own; one null where one model is for all. */
async function symbolsOf(
  input: SweepInput,
  { market, signal }: Context,
): Promise<readonly (string | null)[]> {
  if (!input.eachSymbol) return [null];
  if (input.symbols !== undefined) return input.symbols;
  const { symbols } = await market.read(sourceOf({ ...input, seed: input.seeds[0] }), { signal });
  return symbols;
}

function requestOf(
  { seeds: _, eachSymbol: __, out, ...shared }: SweepInput,
  symbol: string | null,
  seed: number,
): TrainInput {
  const suffix = symbol === null ? `seed${seed}` : `${symbol.replace(/[^\w.-]/g, "_")}-seed${seed}`;
  return {
    ...shared,
    seed,
    ...(symbol === null ? {} : { symbols: [symbol] }),
    ...(out === undefined ? {} : { out: `${out}-${suffix}` }),
  };
}

type Outcome = Pick<JobOutcome, "status" | "output" | "failure"> & { readonly id?: string | null };

async function trainInTurn(requests: readonly TrainInput[], context: Context): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const request of requests) {
    throwIfAborted(context.signal, "forecast.sweep");
    try {
      outcomes.push({ status: "done", output: await train(request, context), failure: null });
    } catch (error) {
      if (!(error instanceof PlatformError) || error.kind === "interrupted") throw error;
      const { kind, code, message, details } = error;
      outcomes.push({ status: "failed", output: null, failure: { kind, code, message, details } });
    }
    context.progress.report({
      stage: "sweep",
      done: outcomes.length,
      total: requests.length,
      unit: "trainings",
    });
  }
  return outcomes;
}

function trainingOf(
  symbol: string | null,
  seed: number,
  { id = null, output, failure }: Outcome,
): SweptTraining {
  const base = { seed, symbol, job: id };
  if (failure !== null)
    return { ...base, artifact: null, skill: null, failure: `${failure.code}: ${failure.message}` };
  const { artifact, test } = TrainOutput.pick({ artifact: true, test: true }).parse(output);
  return { ...base, artifact, skill: test.skill, failure: null };
}

/** The trainings line by line, and how far their scores lie apart. */
export function sweepTable({ trainings, skill, failed }: SweepOutput): string {
  const percent = (share: number | null) => (share === null ? "-" : `${(100 * share).toFixed(2)} %`);
  const lines = trainings.map((one) =>
    [one.symbol ?? "all", `seed ${one.seed}`, percent(one.skill), one.artifact ?? one.failure].join("  "),
  );
  if (skill === null) return [...lines, `no training succeeded, ${failed} failed`].join("\n");
  const spread = `skill ${percent(skill.mean)} on average, standard deviation ${percent(skill.standardDeviation)}, ${percent(skill.lowest)} to ${percent(skill.highest)}`;
  return [...lines, failed === 0 ? spread : `${spread}; ${failed} failed`].join("\n");
}
