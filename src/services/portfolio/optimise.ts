/** The work of the capabilities: from a request to prices, estimates, weights and what there is to say about them. */
import { type Context, calendarDate, dayMs, dot } from "../../base/index.ts";
import { priceSource, type TableToClean } from "../../data/index.ts";
import { type Allocation, allocateExactly, allocateGreedily } from "./allocate.ts";
import { cleanTable } from "./clean.ts";
import { byAsset, shortNumber } from "./constraints/options.ts";
import { estimateMarket } from "./estimate.ts";
import { marketWithViews, type ViewOptions } from "./estimators/with-views.ts";
import { efficientFrontier } from "./frontier.ts";
import { portfolioMeasures } from "./measures.ts";
import type { ObjectiveInput } from "./objectives/input.ts";
import { riskContributions } from "./objectives/risk-parity.ts";
import { riskOf } from "./objectives/scenario.ts";
import type { ObjectiveName } from "./objectives/table.ts";
import { portfolioVolatility, volatilities } from "./objectives/variance.ts";
import { solveObjective } from "./positions.ts";
import { type PricePanel, pricePanel } from "./prices.ts";
import type { Certificate, Market } from "./problem.ts";
import { completeReturns, type ReturnPanel, simpleReturns } from "./returns.ts";
import { samplesOf } from "./samples.ts";
import type {
  AllocateInput,
  AllocateOutput,
  FrontierInput,
  FrontierOutput,
  OptimizeInput,
  OptimizeOutput,
} from "./schema.ts";

type Request = Pick<
  OptimizeInput,
  "prices" | "symbols" | "from" | "to" | "format" | "seed" | "gaps" | "clean"
>;
type Ports = Pick<Context, "market" | "signal" | "clock">;

/** Weights that are best for an objective under constraints. */
export async function optimize(input: OptimizeInput, ports: Ports): Promise<OptimizeOutput> {
  const { returns, market, warnings } = await marketOf(input, ports);
  const problem: ObjectiveInput = { market, limits: input, options: input };
  const answer = solveObjective(input.objective, problem, input);
  const weights = answer.weights.map((value) => (Math.abs(value) < 1e-10 ? 0 : value));
  const held = byAsset("holdings", input.holdings ?? {}, market.assets);
  let turnover = 0;
  let squares = 0;
  for (let i = 0; i < weights.length; i++) {
    turnover += Math.abs(weights[i] - held[i]);
    squares += (weights[i] - held[i]) ** 2;
  }
  const complete = completeReturns(returns);
  return {
    objective: input.objective,
    weights: named(market.assets, weights),
    ...meanAndRisk(market, weights),
    turnover,
    cost: (turnover * (input.costBps ?? 0)) / 10_000 + (input.impact ?? 0) * squares,
    riskContributions: named(market.assets, riskContributions(market.covariance, weights)),
    measures: portfolioMeasures(market, weights, input),
    certificate: answer.certificate,
    periodsPerYear: market.periodsPerYear,
    observations: complete.returns.columns,
    from: calendarDate(complete.times[0]),
    to: calendarDate(complete.times[complete.times.length - 1]),
    samples: samplesOf(returns, input),
    warnings: [...warnings, ...answer.warnings],
  };
}

/** The efficient frontier with its special points and the assets themselves. */
export async function frontier(input: FrontierInput, ports: Ports): Promise<FrontierOutput> {
  const { returns, market, warnings } = await marketOf(input, ports);
  const problem: ObjectiveInput = { market, limits: input, options: input };
  const risk = (weights: Float64Array) => riskOf(input.riskMeasure, problem, weights);
  const point = (weights: Float64Array, certificate: Certificate) => ({
    ...meanAndRisk(market, weights),
    risk: risk(weights),
    weights: named(market.assets, weights),
    certificate,
  });
  const special: Record<string, ReturnType<typeof point>> = {};
  const notes: string[] = [];
  const ratioName: ObjectiveName = input.riskMeasure === "volatility" ? "max-sharpe" : "max-ratio";
  for (const name of [ratioName, "max-return", "equal-weight", "inverse-volatility"] as const) {
    try {
      const answer = solveObjective(name, problem, {});
      special[name] = point(answer.weights, answer.certificate);
      notes.push(...answer.warnings.map((warning) => `${name}: ${warning}`));
    } catch (error) {
      notes.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  const points = efficientFrontier(problem, input.riskMeasure, input.points).map(({ weights, certificate }) =>
    point(weights, certificate),
  );
  const own = volatilities(market);
  return {
    riskMeasure: input.riskMeasure,
    points,
    special: { "least-risk": points[0], ...special },
    assets: Object.fromEntries(
      market.assets.map((asset, i) => {
        const alone = new Float64Array(market.assets.length);
        alone[i] = 1;
        return [
          asset,
          { expectedReturnAnnual: market.expectedReturns[i], volatilityAnnual: own[i], risk: risk(alone) },
        ];
      }),
    ),
    periodsPerYear: market.periodsPerYear,
    observations: market.scenarios.columns,
    samples: samplesOf(returns, input),
    warnings: [...warnings, ...notes],
  };
}

/** Whole lots for weights, at the last prices. */
export async function allocate(input: AllocateInput, ports: Ports): Promise<AllocateOutput> {
  const panel = await panelOf(input, ports);
  const { assets, times } = panel;
  const dates = times.length;
  const prices = Float64Array.from(assets, (_, i) => panel.prices.data[(i + 1) * dates - 1]);
  const lots = new Float64Array(assets.length).fill(input.lot);
  byAsset("lots", input.lots ?? {}, assets).forEach((lot, i) => {
    if (lot > 0) lots[i] = lot;
  });
  const weights = byAsset("weights", input.weights, assets);
  const problem = { assets, weights, prices, value: input.value, lots };
  const allocation: Allocation =
    input.method === "greedy" ? allocateGreedily(problem) : await allocateExactly(problem);
  const amounts = allocation.shares.map((shares, i) => (shares === 0 ? 0 : shares * prices[i]));
  const held = assets.flatMap((_, i) => (allocation.shares[i] === 0 ? [] : [i]));
  const only = (values: Float64Array) => Object.fromEntries(held.map((i) => [assets[i], values[i]]));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    shares: only(allocation.shares),
    amounts: only(amounts),
    weights: only(allocation.weights),
    leftover: allocation.leftover,
    rmse: allocation.rmse,
    pricesOn: calendarDate(times[dates - 1]),
    certificate: allocation.certificate,
    warnings: [
      ...panel.warnings.filter((warning) => !warning.startsWith("prices start on")), // only the last ones matter
      ...(Math.abs(total - 1) > 1e-3
        ? [
            `the weights add up to ${shortNumber(total)}: the rest stays money, and the weights reached are shares of the value`,
          ]
        : []),
    ],
  };
}

export async function panelOf(
  { prices, gaps, clean, ...request }: Request,
  { market, signal, clock }: Ports,
): Promise<PricePanel> {
  const table: TableToClean = await market.read(priceSource(prices, request), { signal });
  const notes = table.reading?.notes ?? [];
  const latest = clock.now() + dayMs; // the date of an exchange may be ahead of that of UTC
  const simulated = prices === "simulated";
  if (simulated || clean) {
    const cleaned = cleanTable(table, simulated ? { outliers: "drop" } : { outliers: "flag", latest });
    const panel = pricePanel(cleaned.table, { gaps });
    return { ...panel, warnings: [...notes, ...cleaned.warnings, ...panel.warnings] };
  }
  const panel = pricePanel(table, { gaps, latest });
  return { ...panel, warnings: [...notes, ...panel.warnings] };
}

async function marketOf(
  input: Request &
    Pick<OptimizeInput, "expectedReturns" | "covariance" | "riskFree" | "periodsPerYear" | "span"> &
    ViewOptions,
  ports: Ports,
): Promise<{ readonly returns: ReturnPanel; readonly market: Market; readonly warnings: readonly string[] }> {
  const returns = simpleReturns(await panelOf(input, ports));
  const estimated = estimateMarket(returns, input);
  const { market, warnings } = marketWithViews(estimated.market, input);
  return { returns, market, warnings: [...estimated.warnings, ...warnings] };
}

function meanAndRisk(market: Market, weights: Float64Array) {
  const expectedReturnAnnual = dot(market.expectedReturns, weights);
  const volatilityAnnual = portfolioVolatility(market, weights);
  const sharpe = volatilityAnnual > 0 ? (expectedReturnAnnual - market.riskFree) / volatilityAnnual : null;
  return { expectedReturnAnnual, volatilityAnnual, sharpe };
}

function named(assets: readonly string[], values: Float64Array): Record<string, number> {
  return Object.fromEntries(assets.map((asset, i) => [asset, values[i]]));
}
