/** The clean market: factors, then the bars of each symbol on its own keys, so that one symbol never moves another. */
import {
  dayMs,
  dayOfWeek,
  foldIn,
  type Key,
  normal,
  startOfDay,
  studentT,
  uniform,
} from "../../base/index.ts";
import { firstDay, process, sectors, tradingDaysPerYear } from "./constants.ts";
import { advanceSignal, firstSignal, nextMean, type SignalState } from "./signal.ts";

/** The bars of one symbol before any defect, `[day]` each. */
export interface CleanBars {
  readonly symbol: string;
  readonly open: Float64Array;
  readonly high: Float64Array;
  readonly low: Float64Array;
  readonly close: Float64Array;
  readonly volume: Float64Array;
  /** The signal's state after each bar. */
  readonly state: Float64Array;
}

/** The returns of a factor and their conditional standard deviations, `[day]`. */
interface Factor {
  readonly value: Float64Array;
  readonly deviation: Float64Array;
}

/** Every weekday from the first day until the same date `years` later. */
export function weekdays(years: number): Float64Array {
  const start = startOfDay(firstDay);
  const end = startOfDay(`${Number(firstDay.slice(0, 4)) + years}${firstDay.slice(4)}`);
  const days: number[] = [];
  for (let day = start; day < end; day += dayMs) {
    if (dayOfWeek(day) % 6 !== 0) days.push(day);
  }
  return Float64Array.from(days);
}

export function symbolName(index: number): string {
  return `${sectors[index % sectors.length]}${String(Math.floor(index / sectors.length) + 1).padStart(2, "0")}`;
}

/** The bars of the first `count` symbols, `days` of each. */
export function cleanMarket(key: Key, count: number, days: number): CleanBars[] {
  const market = garch(foldIn(key, "market"), days, process.marketVolatilityAnnual);
  const bySector = sectors.map((sector) =>
    garch(foldIn(key, `sector ${sector}`), days, process.sectorVolatilityAnnual),
  );
  return Array.from({ length: count }, (_, index) => {
    const symbol = symbolName(index);
    return symbolBars(symbol, foldIn(key, `symbol ${symbol}`), market, bySector[index % sectors.length]);
  });
}

/** Student-t shocks with GARCH(1,1) volatility (Bollerslev 1986), started at the long-run variance. */
function garch(key: Key, days: number, volatilityAnnual: number): Factor {
  const { alpha, beta } = process.garch;
  const longRun = volatilityAnnual ** 2 / tradingDaysPerYear;
  const value = studentT(key, days, process.degrees);
  const deviation = new Float64Array(days);
  let variance = longRun;
  for (let t = 0; t < days; t++) {
    deviation[t] = Math.sqrt(variance);
    value[t] *= deviation[t];
    variance = longRun * (1 - alpha - beta) + alpha * value[t] ** 2 + beta * variance;
  }
  return { value, deviation };
}

function symbolBars(symbol: string, key: Key, market: Factor, sector: Factor): CleanBars {
  const days = market.value.length;
  const between = ([low, high]: readonly [number, number], name: string) =>
    uniform(foldIn(key, name), 1, low, high)[0];
  const marketBeta = between(process.marketBeta, "market beta");
  const sectorBeta = between(process.sectorBeta, "sector beta");
  const volatility = between(process.residualVolatilityAnnual, "residual volatility");
  const residual = garch(foldIn(key, "residual"), days, volatility);
  const level = between(process.volume.level, "volume level");
  const slowShock = normal(foldIn(key, "slow volume"), days);
  const volumeNoise = normal(foldIn(key, "volume noise"), days);
  const overnightNoise = normal(foldIn(key, "overnight"), days);
  const highDraw = uniform(foldIn(key, "high"), days);
  const lowDraw = uniform(foldIn(key, "low"), days);

  const bars: CleanBars = {
    symbol,
    open: new Float64Array(days),
    high: new Float64Array(days),
    low: new Float64Array(days),
    close: new Float64Array(days),
    volume: new Float64Array(days),
    state: new Float64Array(days),
  };
  let state: SignalState | undefined;
  let lastClose = between(process.firstClose, "first close");
  let slow = 0;
  for (let t = 0; t < days; t++) {
    const shock = marketBeta * market.value[t] + sectorBeta * sector.value[t] + residual.value[t];
    const deviation = Math.hypot(
      marketBeta * market.deviation[t],
      sectorBeta * sector.deviation[t],
      residual.deviation[t],
    );
    const close = roundPrice(lastClose * Math.exp((state ? nextMean(state) : 0) + shock));

    slow = process.volume.slowDecay * slow + process.volume.slowDeviation * slowShock[t];
    const size = process.volume.perShock * (Math.abs(shock) / deviation - process.volume.meanShock);
    const volume = Math.round(Math.exp(level + slow + size + process.volume.noiseDeviation * volumeNoise[t]));

    // Inside the day the price is a Brownian bridge from the last close to this one. The open is its value after the
    // night; the extremes have the exact law of a bridge's maximum and minimum between open and close.
    const logReturn = Math.log(close / lastClose);
    const night = process.overnightShare;
    const open = roundPrice(
      lastClose *
        Math.exp(night * logReturn + Math.sqrt(night * (1 - night)) * deviation * overnightNoise[t]),
    );
    const toClose = Math.log(close / open);
    const dayVariance = (1 - night) * deviation ** 2;
    const reach = (draw: number) => Math.sqrt(toClose ** 2 - 2 * dayVariance * Math.log(1 - draw));
    const high = roundPrice(open * Math.exp((toClose + reach(highDraw[t])) / 2));
    const low = roundPrice(open * Math.exp((toClose - reach(lowDraw[t])) / 2));

    state = state ? advanceSignal(state, logReturn, volume) : firstSignal(volume);
    bars.open[t] = open;
    bars.high[t] = Math.max(high, open, close);
    bars.low[t] = Math.min(low, open, close);
    bars.close[t] = close;
    bars.volume[t] = volume;
    bars.state[t] = state.value;
    lastClose = close;
  }
  return bars;
}

function roundPrice(price: number): number {
  const unit = 10 ** process.priceDecimals;
  return Math.round(price * unit) / unit;
}
