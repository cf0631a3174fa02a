/** What the attribution prints for people. */
import type { AttributionOutput } from "./schema.ts";

/** The English of this file, in one place so that it can be translated. */
const words = {
  head: [
    "group",
    "weight",
    "benchmark",
    "return",
    "benchmark's",
    "allocation",
    "selection",
    "interaction",
    "of volatility",
  ],
  total: "total",
  active: (output: AttributionOutput) =>
    `${percent(output.portfolioReturn)} against ${percent(output.benchmarkReturn)} of the benchmark, ${output.from} to ${output.to}: ${percent(output.activeReturn)} to explain`,
  risk: (output: AttributionOutput) =>
    `volatility ${percent(output.volatilityAnnual)}, of the benchmark ${percent(output.benchmarkVolatilityAnnual)}, tracking error ${percent(output.trackingErrorAnnual)}`,
};

const percent = (value: number) => `${(100 * value).toFixed(2)} %`;

export function attributionTable(output: AttributionOutput): string {
  const groups = Object.entries(output.groups);
  const rows = [
    ...groups.map(([name, group]) => [
      name,
      percent(group.portfolioWeight),
      percent(group.benchmarkWeight),
      percent(group.portfolioReturn),
      percent(group.benchmarkReturn),
      percent(group.allocation),
      percent(group.selection),
      percent(group.interaction),
      percent(group.volatilityContribution),
    ]),
    [
      words.total,
      percent(groups.reduce((sum, [, group]) => sum + group.portfolioWeight, 0)),
      percent(groups.reduce((sum, [, group]) => sum + group.benchmarkWeight, 0)),
      percent(output.portfolioReturn),
      percent(output.benchmarkReturn),
      percent(output.allocation),
      percent(output.selection),
      percent(output.interaction),
      percent(output.volatilityAnnual),
    ],
  ];
  const widths = words.head.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c].length)));
  return [
    ...[words.head, ...rows].map((row) =>
      row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join("  "),
    ),
    "",
    words.active(output),
    words.risk(output),
    ...output.warnings.map((warning) => `! ${warning}`),
  ].join("\n");
}
