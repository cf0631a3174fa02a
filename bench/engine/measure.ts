/**
 * Times several sides at the same work, in turns, so that whatever else the machine does in a minute hits all of them.
 * What counts is the median: a mean would report the one time that the machine looked elsewhere.
 */
export interface Side {
  readonly label: string;
  /** Does the work `repetitions` times; answers the milliseconds of each. */
  step(repetitions: number): Promise<number[]>;
}

export interface Timing {
  readonly label: string;
  readonly median: number;
  readonly samples: number;
}

export interface MeasureOptions {
  /** Turns of each side. */
  readonly rounds: number;
  /** What one turn of a side should take, and all its turns together; a slower side gets fewer turns, two at least. */
  readonly turnMs: number;
  readonly sideMs: number;
  /** Between two turns: thread pools spin for a while after their work, on the cores of the next side. */
  readonly pauseMs: number;
}

export const usual: MeasureOptions = { rounds: 7, turnMs: 250, sideMs: 12_000, pauseMs: 60 };

export async function measure(sides: readonly Side[], options: MeasureOptions = usual): Promise<Timing[]> {
  const runs = [];
  for (const side of sides) runs.push({ side, samples: [] as number[], ...(await plan(side, options)) });
  for (let round = 0; round < options.rounds; round++) {
    for (const { side, samples, repetitions, rounds } of runs) {
      if (round >= rounds) continue;
      await pause(options.pauseMs);
      samples.push(...(await side.step(repetitions)));
    }
  }
  return runs.map(({ side, samples }) => ({
    label: side.label,
    median: median(samples),
    samples: samples.length,
  }));
}

/** Enough that the shortest work of all is timed in the state of a server that has run for a while. */
const mostRepetitions = 2_000;

/** The first steps build and warm up; the fastest of the next tells how many fit. */
async function plan({ step }: Side, { rounds, turnMs, sideMs, pauseMs }: MeasureOptions) {
  await step(1);
  const once = Math.min(...(await step(2)));
  await pause(pauseMs);
  const repetitions = Math.min(mostRepetitions, Math.max(1, Math.round(turnMs / once)));
  return { repetitions, rounds: Math.min(rounds, Math.max(2, Math.floor(sideMs / (once * repetitions)))) };
}

/** The middle value; the mean of the middle two of an even number. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
