/** A report as one HTML file: no script, no font, no picture to fetch. Values in, text out. */
import { drawChart } from "./charts/render.ts";
import type { Chart } from "./charts/spec.ts";
import { escapeText, formatNumber, sharedDigits, unbroken } from "./format.ts";
import { pageStyle } from "./style.ts";

export interface Page {
  readonly title: string;
  readonly subtitle?: string;
  /** Facts of the run in one line, such as the date, the seed and the version. */
  readonly facts?: readonly string[];
  readonly sections: readonly Section[];
  readonly footer?: string;
}

export interface Section {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export type Block = Paragraph | KeyFigures | Table | Figure | Panels | Definitions;

/** Text in one paragraph. `finding` sets it apart: what the reader should take away. */
export interface Paragraph {
  readonly kind: "paragraph";
  readonly text: string;
  readonly tone?: "plain" | "finding" | "caution";
}

/** A few numbers, large, each with what it is and what to compare it with. */
export interface KeyFigures {
  readonly kind: "key-figures";
  readonly figures: readonly {
    readonly label: string;
    readonly value: number | string;
    readonly digits?: number;
    readonly unit?: string;
    readonly note?: string;
  }[];
}

export interface Column {
  readonly label: string;
  readonly unit?: string;
  /** After the decimal point of numbers; without it, as many as show the smallest with four significant digits. */
  readonly digits?: number;
  /** Marks the best number of the column. */
  readonly best?: "lowest" | "highest";
}

/** A table. Columns of numbers stand right; a null or NaN cell shows a dash. */
export interface Table {
  readonly kind: "table";
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly (string | number | null)[])[];
  readonly note?: string;
}

export interface Figure {
  readonly kind: "figure";
  readonly chart: Chart;
  /** Below the figure; the chart's title and description when absent. */
  readonly caption?: string;
}

/** Several charts of one kind as one figure, each under its own title: beside each other, or below each other where time runs along. */
export interface Panels {
  readonly kind: "panels";
  readonly charts: readonly Chart[];
  readonly layout: "row" | "stack";
  readonly caption: string;
}

/** Terms of the report and what they mean. */
export interface Definitions {
  readonly kind: "definitions";
  readonly terms: readonly { readonly term: string; readonly meaning: string }[];
}

/** Widths in pixels at which every figure is drawn: for a desk or paper, and for a phone. The page shows the one that fits. */
const wide = 760;
const narrow = 344;

/** The whole HTML document. Tables and figures are numbered through. */
export function page({ title, subtitle, facts, sections, footer }: Page): string {
  const numbers: Numbers = { table: 0, figure: 0 };
  const body = sections.map(
    (section) =>
      `<section>\n<h2>${escapeText(section.title)}</h2>\n${section.blocks.map((block) => renderBlock(block, numbers)).join("\n")}\n</section>`,
  );
  const factLine = facts?.length
    ? `\n<p class="facts">${facts.map((fact) => `<span>${unbroken(fact)}</span>`).join(" ")}</p>`
    : "";
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeText(title)}</title>
<style>
${pageStyle}
</style>
</head>
<body>
<main>
<header>
<h1>${escapeText(title)}</h1>${subtitle === undefined ? "" : `\n<p class="subtitle">${unbroken(subtitle)}</p>`}${factLine}
</header>
${body.join("\n")}
${footer === undefined ? "" : `<footer>${escapeText(footer)}</footer>\n`}</main>
</body>
</html>
`;
}

interface Numbers {
  table: number;
  figure: number;
}

function renderBlock(block: Block, numbers: Numbers): string {
  switch (block.kind) {
    case "paragraph":
      return `<p${block.tone && block.tone !== "plain" ? ` class="${block.tone}"` : ""}>${unbroken(block.text)}</p>`;
    case "key-figures":
      return `<dl class="figures across${across(block.figures.length)}">${block.figures.map(keyFigure).join("")}</dl>`;
    case "table":
      return table(block, ++numbers.table);
    case "figure":
      return figure(block, ++numbers.figure);
    case "panels":
      return panels(block, ++numbers.figure);
    case "definitions":
      return `<dl class="terms">${block.terms.map(({ term, meaning }) => `<dt>${escapeText(term)}</dt><dd>${unbroken(meaning)}</dd>`).join("")}</dl>`;
  }
}

/** How many key figures stand beside each other: rows of equal length, or one shorter by one, and never one alone. */
function across(count: number): number {
  return count <= 5 ? Math.max(1, count) : Math.ceil(count / Math.ceil(count / 4));
}

function keyFigure({ label, value, digits, unit, note }: KeyFigures["figures"][number]): string {
  const text = typeof value === "number" ? formatNumber(value, digits) : value;
  const suffix = unit === undefined ? "" : `<span class="unit">${escapeText(unit)}</span>`;
  const below = note === undefined ? "" : `<dd class="note">${unbroken(note)}</dd>`;
  return `<div><dt>${escapeText(label)}</dt><dd class="value">${escapeText(text)}${suffix}</dd>${below}</div>`;
}

function table({ caption, columns, rows, note }: Table, number: number): string {
  const numeric = columns.map((_, j) => rows.some((row) => typeof row[j] === "number"));
  // A phrase needs some width of its own, or a phone breaks it at each word.
  const prose = columns.map((_, j) => rows.some((row) => String(row[j] ?? "").length > 24));
  const decimals = columns.map(
    ({ digits }, j) =>
      digits ?? sharedDigits(rows.map((row) => row[j]).filter((cell) => typeof cell === "number")),
  );
  const best = columns.map(({ best: direction }, j) =>
    bestOf(
      rows.map((row) => row[j]),
      direction,
    ),
  );
  const head = columns.map(({ label, unit }, j) => {
    const under = unit === undefined ? "" : `<span class="unit">${escapeText(unit)}</span>`;
    return `<th scope="col"${numeric[j] ? ' class="number"' : ""}>${escapeText(label)}${under}</th>`;
  });
  const body = rows.map((row) => {
    const cells = columns.map((_, j) => {
      const cell = row[j] ?? null;
      const text = cell === null ? "–" : typeof cell === "number" ? formatNumber(cell, decimals[j]) : cell;
      const winner = typeof cell === "number" && cell === best[j];
      const content = winner ? `<strong>${escapeText(text)}</strong>` : unbroken(text);
      const attributes = numeric[j] ? ' class="number"' : prose[j] ? ' class="prose"' : "";
      return j === 0 ? `<th scope="row"${attributes}>${content}</th>` : `<td${attributes}>${content}</td>`;
    });
    return `<tr>${cells.join("")}</tr>`;
  });
  const marked = columns.some((column) => column.best !== undefined) ? "Bold: the best of its column." : "";
  const foot = [note, marked].filter(Boolean).join(" ");
  const below = foot ? `\n<p class="note">${unbroken(foot)}</p>` : "";
  return `<div class="table"><p class="caption" id="table-${number}"><b>Table ${number}.</b> ${unbroken(sentence(caption))}</p>
<div class="scroll" role="region" tabindex="0" aria-labelledby="table-${number}"><table aria-labelledby="table-${number}">
<thead><tr>${head.join("")}</tr></thead>
<tbody>
${body.join("\n")}
</tbody>
</table></div>${below}</div>`;
}

function bestOf(
  cells: readonly (string | number | null | undefined)[],
  direction: Column["best"],
): number | undefined {
  if (direction === undefined) return undefined;
  const numbers = cells.filter((cell): cell is number => typeof cell === "number" && !Number.isNaN(cell));
  if (new Set(numbers).size < 2) return undefined; // where all are the same none is better
  return direction === "lowest" ? Math.min(...numbers) : Math.max(...numbers);
}

function figure({ chart, caption }: Figure, number: number): string {
  const text = caption ?? [chart.title, chart.description].filter(Boolean).join(". ");
  return `<figure aria-labelledby="figure-${number}"><div class="wide">${drawChart(chart, wide)}</div><div class="narrow">${drawChart(chart, narrow)}</div>
<figcaption id="figure-${number}"><b>Figure ${number}.</b> ${unbroken(sentence(text))}</figcaption></figure>`;
}

function panels({ charts, layout, caption }: Panels, number: number): string {
  const gap = 28;
  const columns = layout === "row" ? Math.max(1, charts.length) : 1;
  const width = Math.floor((wide - gap * (columns - 1)) / columns);
  const panel = (chart: Chart) =>
    `<div class="panel"><p class="heading">${unbroken(chart.title)}</p><div class="wide">${drawChart(chart, width)}</div><div class="narrow">${drawChart(chart, narrow)}</div></div>`;
  return `<figure aria-labelledby="figure-${number}"><div class="panels${layout === "row" ? ` across${columns}` : ""}">${charts.map(panel).join("")}</div>
<figcaption id="figure-${number}"><b>Figure ${number}.</b> ${unbroken(sentence(caption))}</figcaption></figure>`;
}

/** With a final period, when there is none. */
function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
