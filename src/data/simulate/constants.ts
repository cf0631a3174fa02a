/**
 * Every number of the simulated market, each with its reason. `docs/simulated-market.md` states the same process in
 * equations; a test keeps the two together.
 */

export const tradingDaysPerYear = 252;

/** The first bar; the market trades on every weekday from here on, without holidays. */
export const firstDay = "2016-01-04";

/** Symbol i belongs to sector i mod 4 and is named after it: FIN01, TEC01, ENE01, HEA01, FIN02, ... */
export const sectors = ["FIN", "TEC", "ENE", "HEA"] as const;

export const process = {
  /** d: the expected log return of every symbol without the signal, per day (4 % a year). */
  drift: 0.04 / tradingDaysPerYear,
  /** GARCH(1,1) of every factor and residual. With t(6) shocks the fourth moment stays finite (6α² + 2αβ + β² < 1). */
  garch: { alpha: 0.07, beta: 0.91 },
  /** Degrees of freedom of the Student-t shocks, which are scaled to unit variance. */
  degrees: 6,
  /** Annual volatilities. Together with the market betas they give each symbol a nominal 15 % to 40 %. */
  marketVolatilityAnnual: 0.14,
  sectorVolatilityAnnual: 0.07,
  residualVolatilityAnnual: [0.12, 0.34],
  marketBeta: [0.6, 1.4],
  sectorBeta: [0.7, 1.3],
  /** The first close of a symbol, uniform in this range; prices keep four decimals. */
  firstClose: [40, 160],
  priceDecimals: 4,
  /** Share of a day's variance that falls between the last close and the open. */
  overnightShare: 0.2,
  /** log volume = level + slow + perShock (|z| - meanShock) + noise. */
  volume: {
    level: [12.5, 15.5],
    slowDecay: 0.8,
    slowDeviation: 0.2,
    perShock: 0.4,
    meanShock: 0.75,
    noiseDeviation: 0.4,
  },
} as const;

export const signal = {
  /** κ: how strongly the state moves the next return; chosen so that the skill of the true mean at one day is near 3 %. */
  strength: 0.255,
  /** ρ: what is left of the state after a day. A model must remember about five days to see most of it. */
  decay: 0.6,
  /** Response to a shock at normal volume: the part that a linear model can find. */
  reversal: 0.45,
  /** How much abnormal volume adds to it; beyond `reversal`, so that moves on thin volume continue. */
  volumeReversal: 0.9,
  /** Abnormal log volume at which the response is three quarters of its range (tanh 1). */
  volumeScale: 0.4,
  /** Decay of the two running averages that scale the shock and define normal volume. */
  varianceDecay: 0.94,
  volumeDecay: 0.94,
  /** The running deviation before the first return: 24 % a year. */
  firstDeviation: 0.015,
} as const;

/** Probability of each planted defect for a bar; a bar has at most one. */
export const defectRates = {
  missingRow: 0.001,
  missingCell: 0.001,
  duplicate: 0.0006,
  badTick: 0.0006,
  impossibleBar: 0.0004,
} as const;

/** No defect is planted in the first and last bars of a symbol, so that every defect has neighbours to be judged by. */
export const cleanEdgeBars = 5;
