import { expect, test } from "vitest";
import { type Diagram, renderDiagram } from "./diagram.ts";

/** Top and bottom, left and right of every box, by its title. */
function boxesOf(svg: string) {
  const pattern =
    /<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)" rx="[\d.]+"\/><text[^>]*>([^<]*)/g;
  return Object.fromEntries(
    [...svg.matchAll(pattern)].map(([, x, y, width, height, title]) => [
      title,
      { left: +x, top: +y, right: +x + +width, bottom: +y + +height },
    ]),
  );
}
const diagram = (titles: string[], edges: [number, number, string?][]): Diagram => ({
  title: "a graph",
  boxes: titles.map((title) => ({ title, role: "plain" })),
  edges: edges.map(([from, to, label]) => ({ from, to, ...(label === undefined ? {} : { label }) })),
});

test("puts every box below those that lead to it", () => {
  const boxes = boxesOf(
    renderDiagram(
      diagram(
        ["a", "b", "c", "d"],
        [
          [0, 1],
          [1, 2],
          [0, 3],
          [2, 3],
        ],
      ),
    ),
  );
  expect(boxes["a"].bottom).toBeLessThan(boxes["b"].top);
  expect(boxes["b"].bottom).toBeLessThan(boxes["c"].top);
  expect(boxes["c"].bottom).toBeLessThan(boxes["d"].top);
});

test("lets no two boxes overlap, and none leave the picture", () => {
  const count = 60;
  const edges = Array.from({ length: count - 1 }, (_, i): [number, number, string] => [
    Math.floor((i * 7) / 9),
    i + 1,
    `[batch, ${i}]`,
  ]);
  const titles = Array.from({ length: count }, (_, i) => `layer ${i} ${"x".repeat(i % 20)}`);
  const svg = renderDiagram(diagram(titles, [...edges, [0, count - 1]]));
  const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg)!.map(Number);
  const boxes = Object.values(boxesOf(svg));
  expect(boxes).toHaveLength(count);
  boxes.forEach((a, i) => {
    expect(a.left >= 0 && a.top >= 0 && a.right <= width && a.bottom <= height).toBe(true);
    for (const b of boxes.slice(i + 1)) {
      expect(a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top).toBe(true);
    }
  });
});

test("writes what an arrow carries once for all arrows that carry it", () => {
  const svg = renderDiagram(
    diagram(
      ["a", "b", "c"],
      [
        [0, 1, "[batch, 3]"],
        [0, 2, "[batch, 3]"],
      ],
    ),
  );
  expect(svg.match(/\[batch, 3\]/g)).toHaveLength(1);
});

test("keeps markup in a title a text, and draws nothing as an empty picture", () => {
  expect(renderDiagram(diagram(["<script>"], []))).toContain("&lt;script&gt;");
  expect(renderDiagram(diagram([], []))).toContain("</svg>");
});

test("follows the reader's choice of light or dark", () => {
  expect(renderDiagram(diagram(["a"], []))).toContain("@media (prefers-color-scheme:dark)");
});
