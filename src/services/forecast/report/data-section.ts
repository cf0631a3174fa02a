/** What was cleaned, and how samples and scores were made. */
import type { Block, Section } from "../../../report/index.ts";
import { targetMeaning } from "../schema.ts";
import type { TrainingView } from "../train.ts";
import { figure } from "./words.ts";

export function cleaning({ cleaning: report }: TrainingView): Section {
  const counts: [string, number][] = [
    ["Duplicates", report.duplicates],
    ["Missing cells", report.missing],
    ["Impossible bars", report.impossible],
    ["Outliers", report.outliers],
    ["Stale closes", report.stale],
    ["Gaps", report.gaps],
    ["Unsorted rows", report.unsorted],
    ["Unreadable times", report.badTimes],
    ["Rows dropped", report.rowsRead - report.rowsKept],
  ];
  const found: Block[] = [
    figure({
      kind: "bars",
      title: "What cleaning found",
      description: "A bar per kind of defect; a row may have several.",
      x: { label: "Rows or cells", unit: "count over all symbols" },
      bars: counts.map(([label, value]) => ({ label, value })),
      digits: 0,
    }),
    {
      kind: "table",
      caption: "The first examples of each kind",
      columns: [
        { label: "Kind" },
        { label: "Symbol" },
        { label: "Line" },
        { label: "Time" },
        { label: "What was found" },
      ],
      rows: report.examples.map(({ kind, symbol, line, time, detail }) => [
        kind,
        symbol,
        line === null ? null : String(line),
        time,
        detail,
      ]),
    },
  ];
  const isClean = counts.every(([, value]) => value === 0);
  const rows = `${report.rowsRead.toLocaleString("en")} rows read, ${report.rowsKept.toLocaleString("en")} kept, ${report.rowsChanged.toLocaleString("en")} of them changed.`;
  return {
    title: "Cleaning",
    blocks: [
      {
        kind: "paragraph",
        text: `${rows} ${isClean ? "Nothing was found to mend." : "Every row is accounted for."}`,
      },
      ...(isClean ? [] : found),
      ...report.notes.map((text): Block => ({ kind: "paragraph", text })),
    ],
  };
}

/** As many names as are read at a glance. */
const mostNames = 30;

export function method({ input, output, simulation, set }: TrainingView): Section {
  const { train, validation, test } = output.periods;
  const { symbols } = set.frame;
  const more = symbols.length > mostNames ? ` and ${symbols.length - mostNames} more` : "";
  const said = Object.entries(input.format ?? {}).map(([field, value]) => `${field} ${String(value)}`);
  return {
    title: "Method",
    blocks: [
      {
        kind: "definitions",
        terms: [
          { term: "Symbols", meaning: `${symbols.slice(0, mostNames).join(", ")}${more}` },
          ...(said.length === 0 ? [] : [{ term: "Format of the file", meaning: said.join(", ") }]),
          {
            term: "Parts",
            meaning: `train ${train.join(" to ")}, validation ${validation.join(" to ")}, test ${test.join(" to ")}; samples whose outcome reaches over a border are left out`,
          },
          { term: "Naive forecast", meaning: targetMeaning[input.target].naive },
          {
            term: "Linear model",
            meaning: "ridge regression on the same features, its penalty chosen on the validation part",
          },
          { term: "Skill", meaning: "1 - MSE / MSE of the naive forecast; 0 is no better than naive" },
          {
            term: "IC",
            meaning:
              "correlation of forecast and outcome across symbols, averaged over dates; over time when there are fewer than three symbols",
          },
          {
            term: "Normalisation",
            meaning: "fitted on the training part, and stored inside the model, which takes raw prices",
          },
        ],
      },
      ...(simulation === null
        ? []
        : [
            {
              kind: "paragraph" as const,
              text:
                input.symbols === undefined
                  ? simulation
                  : `The market that they are taken from: ${simulation}`,
            },
          ]),
    ],
  };
}
