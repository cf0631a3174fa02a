import { invariant } from "../../base/index.ts";
import { escapeText, textWidth, wrapText } from "../format.ts";
import { axisTitle, fontSize, pixel, svg } from "./frame.ts";
import { scale } from "./scale.ts";
import type { Dendrogram } from "./spec.ts";

const rowHeight = 19;

/** A tree on its side: names at the left, branches that meet further right the less alike they are. */
export function dendrogram(chart: Dendrogram, width: number): string {
  const { labels, merges, clusters } = chart;
  const n = labels.length;
  invariant(merges.length === n - 1, "a tree of n leaves has n - 1 merges");
  const left = Math.min(width * 0.4, 12 + Math.max(0, ...labels.map((label) => textWidth(label, fontSize))));
  const right = width - 14;
  const top = 6;
  const bottom = top + rowHeight * n;
  const x = scale({
    kind: chart.x.kind ?? "number",
    low: 0,
    high: Math.max(1e-9, ...merges.map(({ distance }) => distance)),
    from: left,
    to: right,
    ticks: Math.max(2, Math.floor((right - left) / 72)),
    nice: true,
  });
  const order = leafOrder(chart);
  const row = new Float64Array(n);
  order.forEach((leaf, place) => {
    row[leaf] = top + rowHeight * (place + 0.5);
  });
  const nodes = Array.from({ length: n }, (_, leaf) => ({
    y: row[leaf],
    x: x.at(0),
    cluster: clusters?.[leaf] ?? -1,
  }));
  const parts: string[] = [];
  for (const { value, label } of x.ticks) {
    const at = pixel(x.at(value));
    parts.push(`<path class="grid" d="M${at} ${top}V${bottom}"/>`);
    parts.push(`<text class="tick middle" x="${at}" y="${bottom + 16}">${escapeText(label)}</text>`);
  }
  for (const { left: a, right: b, distance } of merges) {
    const [first, second] = [nodes[a], nodes[b]];
    const at = x.at(distance);
    const cluster = first.cluster === second.cluster ? first.cluster : -1;
    const colour = cluster < 0 ? "" : ` s${cluster % 6}`;
    parts.push(
      `<path class="branch${colour}" d="M${pixel(first.x)} ${pixel(first.y)}H${pixel(at)}V${pixel(second.y)}H${pixel(second.x)}"/>`,
    );
    nodes.push({ y: (first.y + second.y) / 2, x: at, cluster });
  }
  labels.forEach((label, leaf) => {
    parts.push(
      `<text class="key end" x="${pixel(left - 8)}" y="${pixel(row[leaf] + 4)}">${escapeText(label)}</text>`,
    );
  });
  const title = wrapText(axisTitle(chart.x), fontSize * 1.08, width);
  title.forEach((line, i) => {
    parts.push(`<text class="title end" x="${right}" y="${bottom + 34 + 16 * i}">${escapeText(line)}</text>`);
  });
  return svg(chart, width, bottom + 26 + 16 * title.length, parts.join(""));
}

function leafOrder({ labels, merges }: Dendrogram): number[] {
  const n = labels.length;
  const out: number[] = [];
  const open = [2 * n - 2];
  while (open.length > 0) {
    const node = open.pop() as number;
    if (node < n) out.push(node);
    else open.push(merges[node - n].right, merges[node - n].left);
  }
  return out;
}
