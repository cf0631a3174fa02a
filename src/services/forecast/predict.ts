/** Forecasts from the newest bars, by a model that was loaded and verified. */
import { type Context, dayMs, dayOfWeek, formatTime, type UtcMs } from "../../base/index.ts";
import { barInterval, type CleanPrices } from "../../data/index.ts";
import { createRuntime, type Runtime } from "../../engine/index.ts";
import { type ForecastArtifact, openForecastArtifact } from "./artifact.ts";
import { loadPredictor, type Predictor } from "./predictor.ts";
import { readForModel, warnOfShortSymbols } from "./prepare.ts";
import { cutSamples } from "./samples.ts";
import { type PredictInput, type PredictOutput, targetMeaning } from "./schema.ts";

export async function predict(input: PredictInput, context: Context): Promise<PredictOutput> {
  const loaded = await openForecastArtifact(input.artifact, context.models);
  const runtime = createRuntime({ ...context.compute, threads: 1 });
  try {
    return await predictWith(loaded, input, context, runtime);
  } finally {
    await runtime.close();
  }
}

async function predictWith(
  loaded: ForecastArtifact,
  input: PredictInput,
  context: Context,
  runtime: Runtime,
): Promise<PredictOutput> {
  const { configuration, artifact } = loaded;
  const { target, horizon, lookback } = configuration.input;
  const prices = await readForModel(input, loaded, context);
  const predictor = await loadPredictor(runtime, loaded.model, configuration.quantiles.length);
  const forecasts = await forecastLatest(
    predictor,
    prices,
    { ...configuration, horizons: horizon, lookback },
    context,
  );
  await predictor.release();
  return {
    forecasts,
    target,
    unit: targetMeaning[target].unit,
    model: { artifact: input.artifact, digest: artifact.digest },
  };
}

interface LatestOptions {
  readonly columns: ForecastArtifact["configuration"]["columns"];
  readonly lookback: number;
  readonly horizons: readonly number[];
  readonly quantiles: readonly number[];
}

async function forecastLatest(
  predictor: Predictor,
  prices: CleanPrices,
  { columns, lookback, horizons, quantiles }: LatestOptions,
  { signal, logger }: Pick<Context, "signal" | "logger">,
): Promise<PredictOutput["forecasts"]> {
  const set = cutSamples(prices, { lookback, horizons, columns, which: "latest" });
  warnOfShortSymbols(set, logger);
  const samples = Int32Array.from(set.windows.starts.keys());
  const answer = await predictor.predict(set, samples, signal);
  return [...samples].flatMap((sample) => {
    const symbol = set.windows.symbol[sample];
    const asOf = set.windows.asOf[sample];
    const later = barsAfter(prices.series[symbol].time, Math.max(...horizons));
    return horizons.map((horizon, h) => {
      const place = sample * horizons.length + h;
      const levels = answer.quantiles?.subarray(place * quantiles.length, (place + 1) * quantiles.length);
      return {
        symbol: set.frame.symbols[symbol],
        asOf: formatTime(asOf),
        horizon,
        time: formatTime(later[horizon - 1]),
        value: answer.forecast[place],
        ...(levels
          ? { quantiles: Object.fromEntries(quantiles.map((level, q) => [String(level), levels[q]])) }
          : {}),
      };
    });
  });
}

/**
 * When the next bars are due: the usual distance of bars onwards, by the calendar when that is months, and past Saturday and Sunday
 * when the series has none. Holidays are not known.
 */
export function barsAfter(time: Float64Array, count: number): UtcMs[] {
  const interval = barInterval(time);
  const usual = interval > 0 ? interval : dayMs;
  const last = time[time.length - 1];
  const months = monthsIn(usual);
  if (months > 0) return Array.from({ length: count }, (_, i) => monthsAfter(time, (i + 1) * months));
  const isWeekend = (t: UtcMs) => dayOfWeek(t) === 0 || dayOfWeek(t) === 6;
  const skipsWeekends = interval > 0 && usual <= dayMs && !time.some(isWeekend);
  const later: UtcMs[] = [];
  let next = last;
  while (later.length < count) {
    next += usual;
    while (skipsWeekends && isWeekend(next)) next += dayMs;
    later.push(next);
  }
  return later;
}

/** Whole months that a distance stands for: 1 for 28 to 31 days, 3 for 90 to 92, 12 for 365 or 366; else 0. */
function monthsIn(distance: number): number {
  const days = distance / dayMs;
  const months = Math.round(days / 30.44);
  return months > 0 && days >= 30.44 * months - 2.5 && days <= 30.44 * months + 2 ? months : 0;
}

/** The last time moved by months; the last day of a month stays the last day when the series keeps to it. */
function monthsAfter(time: Float64Array, months: number): UtcMs {
  const last = new Date(time[time.length - 1]);
  const [year, month] = [last.getUTCFullYear(), last.getUTCMonth() + months];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const atEnds = time.every((t) => new Date(t + dayMs).getUTCDate() === 1);
  const day = atEnds ? lastDay : Math.min(last.getUTCDate(), lastDay);
  return Date.UTC(year, month, day) + (last.getTime() % dayMs);
}
