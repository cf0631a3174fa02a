import type { Values } from "../../base/index.ts";
import { pixel } from "./frame.ts";
import type { Scale } from "./scale.ts";

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The `d` of a line. Where several points share a pixel column only the first, lowest, highest and last are kept, in their
 * order, which draws the same picture (Jugel et al. 2014, "M4"). A point that cannot be shown interrupts the line.
 */
export function linePath(xs: Values, ys: Values, x: Scale, y: Scale): string {
  return runs(xs, ys, x, y)
    .map((run) => {
      const [first, ...rest] = thin(run);
      const start = `M${pixel(first.x)} ${pixel(first.y)}`;
      return rest.length === 0
        ? `${start}h0.1`
        : `${start}L${rest.map((p) => `${pixel(p.x)} ${pixel(p.y)}`).join(" ")}`;
    })
    .join("");
}

/** The `d` of the points that stand alone, before, between or behind gaps: no line leads to them, so that each needs a dot. */
export function lonePoints(xs: Values, ys: Values, x: Scale, y: Scale): string {
  return runs(xs, ys, x, y)
    .filter((run) => run.length === 1)
    .map(([point]) => `M${pixel(point.x)} ${pixel(point.y)}h0`)
    .join("");
}

/** The `d` of the area between two lines over the same x. */
export function areaPath(xs: Values, lower: Values, upper: Values, x: Scale, y: Scale): string {
  const both = Array.from(xs, (_, i) => (Number.isFinite(lower[i]) ? upper[i] : Number.NaN));
  const under = Array.from(xs, (_, i) => (Number.isFinite(both[i]) ? lower[i] : Number.NaN));
  const bottoms = runs(xs, under, x, y);
  return runs(xs, both, x, y)
    .map((run, i) => {
      const outline = [...thin(run), ...thin(bottoms[i]).reverse()];
      return `M${outline.map((p) => `${pixel(p.x)} ${pixel(p.y)}`).join("L")}Z`;
    })
    .join("");
}

function runs(xs: Values, ys: Values, x: Scale, y: Scale): Point[][] {
  const found: Point[][] = [];
  let current: Point[] = [];
  for (let i = 0; i < xs.length; i++) {
    const point = { x: x.at(xs[i]), y: y.at(ys[i]) };
    if (Number.isFinite(point.x) && Number.isFinite(point.y)) {
      if (current.length === 0) found.push(current);
      current.push(point);
    } else if (current.length > 0) {
      current = [];
    }
  }
  return found;
}

function thin(points: readonly Point[]): Point[] {
  const kept: Point[] = [];
  for (let start = 0; start < points.length; ) {
    const column = Math.round(points[start].x);
    let end = start;
    let low = start;
    let high = start;
    while (end < points.length && Math.round(points[end].x) === column) {
      if (points[end].y < points[low].y) low = end;
      if (points[end].y > points[high].y) high = end;
      end++;
    }
    const chosen = new Set([start, Math.min(low, high), Math.max(low, high), end - 1]);
    for (const index of chosen) kept.push(points[index]);
    start = end;
  }
  return kept;
}
