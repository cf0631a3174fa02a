/** What the walk-forward prints for people. */
import { formatNumber } from "../../../report/index.ts";
import type { ProofOutput } from "./schema.ts";

/** The English of this file, in one place so that it can be translated. */
const words = {
  head: [
    "method",
    "Sharpe",
    "return",
    "volatility",
    "max drawdown",
    "CVaR 95 %",
    "turnover",
    "assets",
    "deflated",
  ],
  tested: (output: ProofOutput) =>
    `${output.validation}: ${output.methods[0].folds} test parts${output.methods[0].paths > 1 ? ` on each of ${output.methods[0].paths} paths` : ""}, ${output.from} to ${output.to}, ${output.methods[0].observations} periods`,
  best: ({ best, trials, deflatedSharpe }: ProofOutput) =>
    trials > 1
      ? `largest Sharpe ratio: ${best}; the probability that it is more than the best of ${trials} by luck is ${percent(deflatedSharpe)}`
      : `no method differs from ${best}; the probability that its Sharpe ratio is above 0 is ${percent(deflatedSharpe)}`,
  overfitting: (probability: number) =>
    `probability that choosing by the past is overfitting: ${percent(probability)}`,
  files: (files: readonly string[]) => `written: ${files[0]} and ${files.length - 1} more`,
};

const percent = (value: number) => `${(100 * value).toFixed(1)} %`;

export function proofTable(output: ProofOutput): string {
  const rows = output.methods.map((method) => [
    method.name,
    method.sharpeAnnual === null ? "-" : formatNumber(method.sharpeAnnual, 3),
    percent(method.returnAnnual),
    percent(method.volatilityAnnual),
    percent(method.maxDrawdown),
    `${(100 * method.cvar95).toFixed(2)} %`,
    percent(method.turnover),
    formatNumber(method.effectiveAssets, 1),
    percent(method.deflatedSharpe),
  ]);
  const widths = words.head.map((title, c) => Math.max(title.length, ...rows.map((row) => row[c].length)));
  const lines = [words.head, ...rows].map((row) =>
    row.map((cell, c) => (c === 0 ? cell.padEnd(widths[c]) : cell.padStart(widths[c]))).join("  "),
  );
  const notes = output.methods.flatMap(({ name, notes: own }) => own.map((note) => `! ${name}: ${note}`));
  return [
    ...lines,
    "",
    words.tested(output),
    words.best(output),
    ...(output.probabilityOfOverfitting === null ? [] : [words.overfitting(output.probabilityOfOverfitting)]),
    ...(output.files.length > 0 ? [words.files(output.files)] : []),
    ...output.warnings.map((warning) => `! ${warning}`),
    ...notes,
  ].join("\n");
}
