/**
 * A graph of boxes and arrows as an SVG that stands alone: rows from top to bottom in the order of the arrows, boxes of a row
 * ordered so that arrows cross little (the layers and barycentres of Sugiyama, Tagawa and Toda 1981).
 */
import { darkColours, lightColours } from "./charts/style.ts";
import { escapeText, textWidth } from "./format.ts";

export interface DiagramBox {
  readonly title: string;
  /** A second, softer line. */
  readonly detail?: string;
  /** `end` is where a graph begins or ends, `strong` what is worth the eye. */
  readonly role: "end" | "strong" | "plain";
}

/** An arrow between two boxes, by their place in the list. What it carries is written once below the box that it leaves. */
export interface DiagramEdge {
  readonly from: number;
  readonly to: number;
  readonly label?: string;
}

export interface Diagram {
  /** Read out by screen readers. */
  readonly title: string;
  readonly boxes: readonly DiagramBox[];
  readonly edges: readonly DiagramEdge[];
}

const boxHeight = 44;
const rowGap = 38;
const columnGap = 28;
const margin = 24;
const titleSize = 13;
const detailSize = 11;
/** From an arrow's beginning to its label. */
const labelGap = 7;
/** An arrow that moves less to a side on its way down leaves room on both. */
const straight = 6;

/** A box, or a point where a long arrow passes a row. */
interface Place {
  readonly width: number;
  readonly row: number;
  readonly box: DiagramBox | null;
  readonly label: string;
  /** Where its label stands: on the side that no arrow leaves to. */
  side: "left" | "right";
  x: number;
}

/**
 * Draws a diagram. Light or dark as the reader's system is.
 *
 * An arrow must lead from an earlier box of the list to a later one; one that does not is drawn upwards.
 */
export function renderDiagram({ title, boxes, edges }: Diagram): string {
  const rows = rowsOf(boxes.length, edges);
  const places: Place[] = boxes.map((box, i) => {
    const labels = edges.flatMap(({ from, label }) => (from === i && label !== undefined ? [label] : []));
    const label = [...new Set(labels)].join(" · ");
    return { width: widthOf(box, label), row: rows[i], box, label, side: "right", x: 0 };
  });
  const ways = edges.map((edge) => wayOf(edge, places));
  const count = places.reduce((most, { row }) => Math.max(most, row + 1), 0);
  const byRow = Array.from({ length: count }, (_, row) => places.filter((place) => place.row === row));
  arrange(byRow, ways);
  for (const place of places) {
    const ahead = ways.flatMap((way) => (way[0] === place ? [way[1].x - place.x] : []));
    const goes = (sign: 1 | -1) => ahead.some((shift) => sign * shift > straight);
    if (goes(1) && !goes(-1)) place.side = "left";
  }
  const reach = ({ width, label, side }: Place, of: "left" | "right") =>
    Math.max(width / 2, label !== "" && side === of ? labelGap + textWidth(label, detailSize) : 0);
  const left = places.reduce(
    (least, place) => Math.min(least, place.x - reach(place, "left")),
    Number.POSITIVE_INFINITY,
  );
  for (const place of places) place.x += margin - left;
  const right = Math.max(0, ...places.map((place) => place.x + reach(place, "right")));
  const width = Math.ceil(right + margin);
  const height = 2 * margin + count * boxHeight + Math.max(0, count - 1) * rowGap;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="diagram" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escapeText(title)}</title>`,
    `<style>${style}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0.5 8 4 0 7.5z"/></marker></defs>',
    ...ways.map((way) => `<path class="edge" marker-end="url(#tip)" d="${curve(way)}"/>`),
    ...places.flatMap((place) => (place.box ? [drawBox(place.box, place)] : [])),
    "</svg>",
  ].join("\n");
}

/** The row of each box: one below the lowest of those that lead to it. */
function rowsOf(count: number, edges: readonly DiagramEdge[]): number[] {
  const rows = new Array<number>(count).fill(0);
  const forward = edges.filter(({ from, to }) => from < to).sort((a, b) => a.from - b.from);
  for (const { from, to } of forward) rows[to] = Math.max(rows[to], rows[from] + 1);
  // A box that nothing leads to stands right above the first that it leads to, not at the top.
  const reached = new Set(forward.map(({ to }) => to));
  for (let box = count - 1; box >= 0; box--) {
    const below = forward.filter(({ from }) => from === box).map(({ to }) => rows[to]);
    if (!reached.has(box) && below.length > 0) rows[box] = Math.min(...below) - 1;
  }
  return rows;
}

/** An arrow's places from row to row; points for the rows that it only passes are added to `places`. */
function wayOf({ from, to }: DiagramEdge, places: Place[]): Place[] {
  const [start, end] = [places[from], places[to]];
  const way = [start];
  for (let row = start.row + 1; row < end.row; row++) {
    const point: Place = { width: 8, row, box: null, label: "", side: "right", x: 0 };
    places.push(point);
    way.push(point);
  }
  return [...way, end];
}

/** Orders every row by where its neighbours stand, down and up again, then sets boxes apart without moving them far. */
function arrange(byRow: Place[][], ways: readonly (readonly Place[])[]): void {
  const above = new Map<Place, Place[]>();
  const below = new Map<Place, Place[]>();
  for (const way of ways) {
    way.slice(1).forEach((place, i) => {
      above.set(place, [...(above.get(place) ?? []), way[i]]);
      below.set(way[i], [...(below.get(way[i]) ?? []), place]);
    });
  }
  for (const row of byRow)
    spread(
      row,
      row.map((_, i) => i * 120),
    );
  for (let sweep = 0; sweep < 12; sweep++) {
    const down = sweep % 2 === 0;
    const neighbours = down ? above : below;
    const order = down ? byRow : [...byRow].reverse();
    for (const row of order) {
      const wanted = new Map(
        row.map((place) => {
          const near = neighbours.get(place) ?? [];
          return [place, near.length === 0 ? place.x : near.reduce((sum, { x }) => sum + x, 0) / near.length];
        }),
      );
      row.sort((a, b) => (wanted.get(a) as number) - (wanted.get(b) as number));
      spread(
        row,
        row.map((place) => wanted.get(place) as number),
      );
    }
  }
}

/** Places in their order, as near to where they are wanted as their widths allow. */
function spread(row: readonly Place[], wanted: readonly number[]): void {
  const apart = (a: Place, b: Place) => (a.width + b.width) / 2 + columnGap;
  // Neighbours that want to overlap become a block around the mean of what they want.
  const blocks: { first: number; offsets: number[]; centre: number }[] = [];
  row.forEach((_, i) => {
    blocks.push({ first: i, offsets: [0], centre: wanted[i] });
    while (blocks.length > 1) {
      const [a, b] = blocks.slice(-2);
      const lastOfA = a.first + a.offsets.length - 1;
      const gap = apart(row[lastOfA], row[b.first]);
      const shift = a.offsets[a.offsets.length - 1] + gap;
      if (a.centre + shift <= b.centre) break;
      const offsets = [...a.offsets, ...b.offsets.map((offset) => offset + shift)];
      const centre =
        offsets.reduce((sum, offset, k) => sum + wanted[a.first + k] - offset, 0) / offsets.length;
      blocks.splice(-2, 2, { first: a.first, offsets, centre });
    }
  });
  for (const { first, offsets, centre } of blocks) {
    offsets.forEach((offset, k) => {
      row[first + k].x = centre + offset;
    });
  }
}

const topOf = (row: number) => margin + row * (boxHeight + rowGap);

function curve(way: readonly Place[]): string {
  // A long arrow passes a row straight down, so that it bends between rows only and crosses no box.
  const points = way.flatMap(({ x, row, box }, i): (readonly [number, number])[] => {
    const [top, bottom] = [topOf(row), topOf(row) + boxHeight];
    if (box === null) return [[x, top] as const, [x, bottom] as const];
    return i === 0 ? [[x, bottom] as const] : [[x, top - 1] as const];
  });
  return points
    .map(([x, y], i) => {
      if (i === 0) return `M${round(x)} ${round(y)}`;
      const [beforeX, beforeY] = points[i - 1];
      const middle = (beforeY + y) / 2;
      return beforeX === x
        ? `V${round(y)}`
        : `C${round(beforeX)} ${round(middle)} ${round(x)} ${round(middle)} ${round(x)} ${round(y)}`;
    })
    .join("");
}

function drawBox({ title, detail, role }: DiagramBox, { x, row, width, label, side }: Place): string {
  const top = topOf(row);
  const carried =
    label === ""
      ? ""
      : `<text class="label${side === "left" ? " before" : ""}" x="${round(side === "left" ? x - labelGap : x + labelGap)}" y="${top + boxHeight + 15}">${escapeText(label)}</text>`;
  const lines =
    detail === undefined
      ? [`<text class="name" x="${round(x)}" y="${top + 27}">${escapeText(title)}</text>`]
      : [
          `<text class="name" x="${round(x)}" y="${top + 19}">${escapeText(title)}</text>`,
          `<text class="detail" x="${round(x)}" y="${top + 34}">${escapeText(detail)}</text>`,
        ];
  const radius = role === "end" ? boxHeight / 2 : 6;
  return [
    `<g class="${role}"><rect x="${round(x - width / 2)}" y="${top}" width="${round(width)}" height="${boxHeight}" rx="${radius}"/>`,
    ...lines,
    carried,
    "</g>",
  ].join("");
}

/** Wide enough for its lines, bold ones a tenth wider, and for what stands below it on the right. */
function widthOf({ title, detail = "", role }: DiagramBox, label: string): number {
  const text = Math.max(1.1 * textWidth(title, titleSize), textWidth(detail, detailSize));
  return Math.max(96, text + (role === "end" ? 40 : 28), textWidth(label, detailSize));
}

const round = (value: number) => Math.round(value * 10) / 10;

const style = [
  `.diagram{${lightColours}}`,
  `@media (prefers-color-scheme:dark){.diagram{${darkColours}}}`,
  ".paper{fill:var(--paper)}",
  "text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;fill:var(--soft)}",
  ".name,.detail{text-anchor:middle}.name{font-size:13px;font-weight:600;fill:var(--ink)}",
  ".label{paint-order:stroke;stroke:var(--paper);stroke-width:7px;stroke-linejoin:round;font-variant-numeric:tabular-nums}",
  ".before{text-anchor:end}",
  "g rect{fill:var(--paper);stroke:var(--rule)}",
  ".strong rect{fill:color-mix(in srgb,var(--c0) 12%,var(--paper));stroke:var(--c0)}",
  ".end rect{stroke:var(--ink)}",
  ".edge{fill:none;stroke:var(--rule);stroke-width:1.4}marker path{fill:var(--rule)}",
].join("\n");
