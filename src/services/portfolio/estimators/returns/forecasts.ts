import { normalQuantile, PlatformError } from "../../../../base/index.ts";
import type { View } from "./views.ts";

/** What a forecaster says of one asset: the platform's own forecasts, or those of anybody else. */
export interface ReturnForecast {
  /** Expected simple return over the horizon. */
  readonly mean: number;
  /** Periods ahead. */
  readonly horizonPeriods: number;
  /** Simple returns over the horizon by their level inside (0, 1), when the forecaster gives them. */
  readonly quantiles?: Readonly<Record<string, number>>;
}

export interface ForecastReturns {
  /** Annual, `[assets]`: compounded from the horizon to a year. */
  readonly expectedReturns: Float64Array;
  /** Annual standard deviation that the quantiles say, `[assets]`; NaN where there are fewer than two. */
  readonly deviations: Float64Array;
}

/**
 * Annual expected returns of forecasts by asset, and the uncertainty that their quantiles state: the outermost pair of
 * quantiles is read as that of a normal distribution, and scaled with the square root of time.
 *
 * @throws PlatformError `PORTFOLIO_FORECAST_INVALID` when an asset has no forecast, or one that no price can follow
 * @example
 * forecastReturns(["A"], { A: { mean: 0.01, horizonPeriods: 21 } }, 252).expectedReturns[0]; // => 0.12682503013196977
 */
export function forecastReturns(
  assets: readonly string[],
  forecasts: Readonly<Record<string, ReturnForecast>>,
  periodsPerYear: number,
): ForecastReturns {
  const deviations = new Float64Array(assets.length);
  const expectedReturns = Float64Array.from(assets, (asset, i) => {
    const forecast = forecasts[asset];
    if (forecast === undefined) throw invalid(asset, "a forecast", "none");
    const { mean, horizonPeriods, quantiles = {} } = forecast;
    if (!(mean > -1) || !Number.isFinite(mean)) throw invalid(asset, "a mean above -1", `${mean}`);
    if (!(horizonPeriods >= 1)) throw invalid(asset, "a horizon of at least 1 period", `${horizonPeriods}`);
    const times = periodsPerYear / horizonPeriods;
    deviations[i] = deviation(asset, quantiles) * Math.sqrt(times);
    return (1 + mean) ** times - 1;
  });
  return { expectedReturns, deviations };
}

/**
 * Forecasts as views of Black-Litterman: each asset's forecast return, with a confidence that falls as its quantiles spread:
 * `τ σ² / (τ σ² + d²)`, which gives the view the variance d² of the forecast's own mean.
 *
 * @param variances annual, of the assets
 * @param tau that the views will be used with
 */
export function forecastViews(
  assets: readonly string[],
  { expectedReturns, deviations }: ForecastReturns,
  variances: Float64Array,
  tau = 0.05,
): View[] {
  return assets.map((asset, i) => {
    const view = { coefficients: { [asset]: 1 }, value: expectedReturns[i] };
    if (Number.isNaN(deviations[i])) return view;
    const prior = tau * variances[i];
    return { ...view, confidence: prior / (prior + deviations[i] ** 2) };
  });
}

function deviation(asset: string, quantiles: Readonly<Record<string, number>>): number {
  const pairs = Object.entries(quantiles)
    .map(([level, value]) => [Number(level), value] as const)
    .sort((a, b) => a[0] - b[0]);
  if (pairs.some(([level, value]) => !(level > 0 && level < 1) || !Number.isFinite(value)))
    throw invalid(asset, "quantiles with levels inside (0, 1)", JSON.stringify(quantiles));
  if (pairs.some(([, value], k) => k > 0 && value < pairs[k - 1][1]))
    throw invalid(asset, "quantiles that rise with their level", JSON.stringify(quantiles));
  const [low, high] = [pairs[0], pairs.at(-1)];
  if (low === undefined || high === undefined || low === high) return Number.NaN;
  return (high[1] - low[1]) / (normalQuantile(high[0]) - normalQuantile(low[0]));
}

function invalid(asset: string, expected: string, received: string): PlatformError {
  return new PlatformError(
    "input",
    "PORTFOLIO_FORECAST_INVALID",
    `forecast of ${asset}: expected ${expected}, received ${received}`,
    { field: "forecasts" },
  );
}
