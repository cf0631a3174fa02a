/** Names beside the points of a chart: never over each other or over a point, and clear of lines and of other points if there is room. */
import { escapeText, textWidth } from "../format.ts";
import { type Frame, fontSize, pixel } from "./frame.ts";

type Point = readonly [number, number];

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Place {
  /** Where the text stands: its baseline, and how it is anchored there. */
  readonly at: Point;
  readonly anchor: "" | " end" | " middle";
  readonly box: Box;
  /** How far from the best place it is. */
  readonly cost: number;
  /** Of a thin line from the point to a name that is not beside it. */
  readonly lead: Point | null;
}

/** Half of what a point takes. */
const dot = 4;
/** Of a text of the chart's size, above and below its baseline. */
const ascent = 10;
const descent = 3;
const directions = Array.from({ length: 16 }, (_, k) => (k * Math.PI) / 8);

export class PointNames {
  readonly #area: Frame;
  readonly #points: readonly Point[];
  /** Points along lines, closely enough that none passes through a text unseen. */
  readonly #line: readonly Point[];
  readonly #names: Box[] = [];
  readonly #leads: (readonly [Point, Point])[] = [];

  constructor(area: Frame, points: readonly Point[], lines: readonly (readonly Point[])[]) {
    this.#area = area;
    this.#points = points.filter((point) => point.every(Number.isFinite));
    this.#line = lines.flatMap((line) => line.slice(1).flatMap((to, k) => between(line[k], to)));
  }

  /** The name at the best place that is free, with a thin line where that is not beside the point; nothing where none is. */
  draw(label: string, x: number, y: number): string {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return "";
    let best: Place | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const place of placesAround(x, y, textWidth(label, fontSize))) {
      if (place.cost >= least || !this.#isFree(place)) continue;
      const cost = place.cost + this.#disturbance(place, [x, y]);
      if (cost >= least) continue;
      best = place;
      least = cost;
    }
    if (best === null) return "";
    this.#names.push(best.box);
    if (best.lead) this.#leads.push([[x, y], best.lead]);
    const lead = best.lead
      ? `<path class="lead" d="M${pixel(x)} ${pixel(y)}L${pixel(best.lead[0])} ${pixel(best.lead[1])}"/>`
      : "";
    return `${lead}<text class="key${best.anchor}" x="${pixel(best.at[0])}" y="${pixel(best.at[1])}">${escapeText(label)}</text>`;
  }

  #isFree({ box, lead }: Place): boolean {
    const { left, width, top, bottom } = this.#area;
    if (box.left < left || box.right > width || box.top < top || box.bottom > bottom) return false;
    return (
      this.#points.every((point) => distanceTo(box, point) >= dot) &&
      this.#names.every((name) => !overlap(name, box)) &&
      this.#leads.every(([from, to]) => between(from, to).every((point) => distanceTo(box, point) > 1)) &&
      (lead === null || this.#names.every((name) => distanceTo(name, lead) > 1))
    );
  }

  /** What a place costs beyond its distance: lines through it, and other points that it seems to belong to. */
  #disturbance({ box, lead }: Place, own: Point): number {
    let cost = 0;
    if (this.#line.some((point) => distanceTo(box, point) < 2)) cost += 3;
    const reach = lead ? 6 : 10;
    for (const point of this.#points)
      if (Math.hypot(point[0] - own[0], point[1] - own[1]) > 1 && distanceTo(box, point) < reach) cost += 3.5;
    if (lead) {
      const way = between(own, lead);
      for (const point of this.#points)
        if (
          Math.hypot(point[0] - own[0], point[1] - own[1]) > 1 &&
          way.some(([x, y]) => Math.hypot(point[0] - x, point[1] - y) < dot + 1)
        )
          cost += 3;
      if (this.#names.some((name) => way.some((point) => distanceTo(name, point) < 1))) cost += 4;
    }
    return cost;
  }
}

/** Beside the point first; then further and further away, with a line to it. */
function placesAround(x: number, y: number, size: number): Place[] {
  const place = (at: Point, anchor: Place["anchor"], cost: number, lead: Point | null = null): Place => {
    const from = anchor === "" ? at[0] : anchor === " end" ? at[0] - size : at[0] - size / 2;
    const box = { left: from, right: from + size, top: at[1] - ascent, bottom: at[1] + descent };
    return { at, anchor, box, cost, lead };
  };
  const beside = [
    place([x + 7, y + 4], "", 0),
    place([x - 7, y + 4], " end", 0.2),
    place([x, y - 8], " middle", 0.4),
    place([x, y + 17], " middle", 0.4),
    place([x + 5, y - 6], "", 0.6),
    place([x - 5, y - 6], " end", 0.6),
    place([x + 5, y + 15], "", 0.6),
    place([x - 5, y + 15], " end", 0.6),
  ];
  const away = [20, 30, 42, 56].flatMap((radius) =>
    directions.map((angle) => {
      const end: Point = [x + radius * Math.cos(angle), y - radius * Math.sin(angle)];
      const side = Math.cos(angle);
      if (Math.abs(side) < 0.3)
        return place([end[0], end[1] + (Math.sin(angle) > 0 ? -4 : 12)], " middle", 1.5 + radius / 15, end);
      return side > 0
        ? place([end[0] + 3, end[1] + 4], "", 1.5 + radius / 15, end)
        : place([end[0] - 3, end[1] + 4], " end", 1.5 + radius / 15, end);
    }),
  );
  return [...beside, ...away];
}

/** Points along a line, three pixels apart. */
function between(from: Point, to: Point): Point[] {
  const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
  if (!Number.isFinite(length)) return [];
  const count = Math.max(1, Math.ceil(length / 3));
  return Array.from({ length: count + 1 }, (_, k): Point => {
    return [from[0] + (k / count) * (to[0] - from[0]), from[1] + (k / count) * (to[1] - from[1])];
  });
}

function distanceTo(box: Box, [x, y]: Point): number {
  return Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
}

/** Texts side by side keep two pixels between them. */
function overlap(a: Box, b: Box): boolean {
  return a.left < b.right + 2 && b.left < a.right + 2 && a.top < b.bottom && b.top < a.bottom;
}
