/** The comparison of portfolios as tables for people. */
import { table } from "../table.ts";
import type { PortfolioComparison } from "./compare.ts";

export function portfolioText({ rows, frontier, walkForward, growth }: PortfolioComparison): string {
  const size = (assets: number, periods: number) => `${assets} x ${periods.toLocaleString("en")}`;
  const or = (value: number | null, digits: number) => (value === null ? "-" : value.toFixed(digits));
  return [
    table(
      [
        "fit",
        "assets x days",
        "Fathom ms",
        "first ms",
        "gap",
        "peer",
        "peer ms",
        "peer / Fathom",
        "difference",
      ],
      rows.map((row) => [
        row.name,
        size(row.assets, row.periods),
        row.milliseconds.toFixed(2),
        row.firstMilliseconds.toFixed(0),
        row.gap.toExponential(0),
        row.peer ?? "-",
        or(row.peerMilliseconds, 1),
        row.peerMilliseconds === null ? "-" : `${(row.peerMilliseconds / row.milliseconds).toFixed(1)} x`,
        row.difference === null ? "-" : row.difference.toExponential(0),
      ]),
    ),
    "",
    ...rows.flatMap(({ name, assets, periods, note }) =>
      note === "" ? [] : [`${name}, ${size(assets, periods)}: ${note}`],
    ),
    "",
    `Frontier of ${frontier.points} points: ${frontier.milliseconds.toFixed(2)} ms, ${(frontier.milliseconds / frontier.oneMilliseconds).toFixed(1)} x one point with a target return (${frontier.oneMilliseconds.toFixed(2)} ms), on estimates that are there already.`,
    `Walk-forward of ${walkForward.folds} folds, ${walkForward.methods.join(", ")}: ${(walkForward.milliseconds / 1000).toFixed(2)} s.`,
    "",
    table(
      ["growth", "assets x days", "ms"],
      growth.map(({ name, assets, periods, milliseconds }) => [
        name,
        size(assets, periods),
        milliseconds.toFixed(1),
      ]),
    ),
    "",
    "Medians of whole fits: returns in memory, estimates, weights, certificate. First: before the code is compiled.",
    "Minimum variance grows with assets² x days, which is its covariance. CVaR grows with the tail: only the worst scenarios get",
    "rows, and each Newton step costs assets² x rows.",
  ].join("\n");
}
