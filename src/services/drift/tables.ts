/** What the drift capabilities print for people. */
import { textTable } from "../../report/index.ts";
import type { DriftCheckOutput } from "./schema.ts";

const titles: Readonly<Record<DriftCheckOutput["features"][number]["measures"][number]["measure"], string>> =
  {
    psi: "PSI",
    jensenShannon: "Jensen-Shannon",
    kolmogorovSmirnov: "Kolmogorov-Smirnov",
    wasserstein: "Wasserstein",
  };

/** One line for each quantity: every measure beside its threshold, an asterisk where it is exceeded. */
export function driftTable(output: DriftCheckOutput): string {
  const all = [...output.features, ...output.scores];
  const measures = all[0]?.measures.map(({ measure }) => titles[measure]) ?? [];
  return [
    textTable(
      ["", "reference", "new", "worth", ...measures],
      all.map(({ name, referenceCount, count, effectiveCount, measures: list }) => [
        name,
        String(referenceCount),
        String(count),
        effectiveCount.toFixed(0),
        ...list.map(
          ({ value, threshold, drifted }) => `${short(value)} / ${short(threshold)}${drifted ? " *" : "  "}`,
        ),
      ]),
      1,
    ),
    "",
    output.summary,
  ].join("\n");
}

export function driftSummary(output: Omit<DriftCheckOutput, "summary">): string {
  const all = [...output.features, ...output.scores];
  const drifted = all.filter((one) => one.drifted).map(({ name }) => name);
  const rate = `${Number((100 * output.falseAlarmRate).toPrecision(3))} %`;
  const when = `from ${output.from} to ${output.to}`;
  const chance =
    output.correction === "none"
      ? `each measure alone alarms by chance in ${rate} of checks`
      : `a check alarms by chance in ${rate} of cases`;
  if (drifted.length === 0) return `Nothing has drifted ${when} (${chance}).`;
  return `${drifted.length} of ${all.length} have drifted ${when}: ${drifted.join(", ")} (${chance}).`;
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
