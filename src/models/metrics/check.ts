import { PlatformError, type Values } from "../../base/index.ts";

/** Refuses a metric that was called with something it is not defined for. */
export function invalidMetric(metric: string, message: string): never {
  throw new PlatformError("input", "STATISTIC_INPUT_INVALID", `${metric}: ${message}`);
}

/** Outcomes and forecasts pair up one to one, and there is at least one pair. @returns how many */
export function requirePairs(metric: string, outcome: Values, forecast: Values): number {
  if (outcome.length !== forecast.length || outcome.length === 0) {
    invalidMetric(
      metric,
      `expected as many forecasts as outcomes and at least one, received ${outcome.length} outcomes and ${forecast.length} forecasts`,
    );
  }
  return outcome.length;
}
