import { expect, test } from "vitest";
import { type Block, page } from "./page.ts";

const render = (...blocks: Block[]) => page({ title: "A report", sections: [{ title: "Result", blocks }] });
const body = (html: string) => html.slice(html.indexOf("<main>"));

test("puts numbers right, units in the header, and marks the best of a column", () => {
  const html = render({
    kind: "table",
    caption: "Errors by model",
    columns: [{ label: "Model" }, { label: "MSE", unit: "10⁻⁴", digits: 2, best: "lowest" }],
    rows: [
      ["naive", 1234.5],
      ["LSTM", 1.25],
      ["linear", null],
    ],
    note: "n = 500.",
  });
  expect(body(html)).toMatchSnapshot();
});

test("marks no best where all are the same", () => {
  const html = render({
    kind: "table",
    caption: "Costs",
    columns: [{ label: "Method" }, { label: "Costs", digits: 2, best: "lowest" }],
    rows: [
      ["hrp", 0],
      ["equal", 0],
    ],
  });
  expect(body(html)).not.toContain("<strong>");
});

test("shows key figures, findings and definitions", () => {
  const html = render(
    { kind: "paragraph", tone: "finding", text: "The network beats naive." },
    {
      kind: "key-figures",
      figures: [{ label: "Skill", value: 1.834, digits: 1, unit: "%", note: "best 2.6 %" }],
    },
    { kind: "definitions", terms: [{ term: "skill", meaning: "1 − MSE / MSE naive" }] },
  );
  expect(body(html)).toMatchSnapshot();
});

test("numbers figures through, and draws each for a desk and for a phone", () => {
  const bars: Block = {
    kind: "figure",
    chart: { kind: "bars", title: "Rows", x: { label: "Rows" }, bars: [{ label: "read", value: 5 }] },
  };
  const html = render(bars, bars);
  expect(html).toContain("<b>Figure 2.</b> Rows.");
  expect(html.match(/<svg /g)?.length).toBe(4);
});

test("draws several charts as one figure, each under its title, with one caption that names the figure", () => {
  const chart = (title: string) => ({ kind: "bars" as const, title, x: { label: "Rows" }, bars: [] });
  const html = render({
    kind: "panels",
    layout: "row",
    charts: [chart("1 bar"), chart("5 bars")],
    caption: "Rows by horizon",
  });
  expect(html.match(/<p class="heading">/g)).toHaveLength(2);
  expect(html).toContain('<figure aria-labelledby="figure-1"><div class="panels across2">');
  expect(html).toContain('<figcaption id="figure-1"><b>Figure 1.</b> Rows by horizon.</figcaption>');
});

test("sets key figures in rows of equal length", () => {
  const across = (count: number) =>
    /figures across(\d)/.exec(
      render({ kind: "key-figures", figures: Array(count).fill({ label: "a", value: 1 }) }),
    )?.[1];
  expect([3, 5, 6, 7, 8].map(across)).toEqual(["3", "5", "3", "4", "4"]);
});

test("stands alone: no script, nothing to fetch", () => {
  const html = page({ title: "T", subtitle: "S", facts: ["seed 1"], sections: [], footer: "F" });
  expect(html).not.toMatch(/<script|<link|src=|href=|url\(|@import/);
  expect(html).toMatch(/^<!doctype html>\n<html lang="en">/);
});

test("escapes every text it is given", () => {
  const nasty = `<img src=x onerror="alert(1)">&'`;
  const html = page({
    title: nasty,
    subtitle: nasty,
    facts: [nasty],
    footer: nasty,
    sections: [
      {
        title: nasty,
        blocks: [
          { kind: "paragraph", text: nasty },
          { kind: "key-figures", figures: [{ label: nasty, value: nasty, unit: nasty, note: nasty }] },
          {
            kind: "table",
            caption: nasty,
            columns: [{ label: nasty, unit: nasty }],
            rows: [[nasty]],
            note: nasty,
          },
          { kind: "definitions", terms: [{ term: nasty, meaning: nasty }] },
          {
            kind: "figure",
            caption: nasty,
            chart: { kind: "bars", title: nasty, x: { label: nasty }, bars: [] },
          },
        ],
      },
    ],
  });
  expect(html).not.toContain("<img");
  expect(html).not.toContain('"alert');
  expect(html.match(/&lt;img/g)?.length).toBeGreaterThan(18);
});
