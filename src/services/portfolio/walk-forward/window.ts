/** The part of a panel that a method may see, and constraints that fit the assets in it. */
import { type Matrix, matrix } from "../../../base/index.ts";
import { type Limits, reservedNames } from "../constraints/limits.ts";
import { readRelations } from "../constraints/words.ts";
import type { Range } from "../measures/splits.ts";
import type { ReturnPanel } from "../returns.ts";

export interface Window {
  readonly panel: ReturnPanel;
  /** Which assets of the whole panel take part. */
  readonly members: readonly number[];
}

/**
 * The returns of some ranges of periods, for the assets that have one in each of them and are still there when the test begins.
 *
 * @param next the first period of the test
 */
export function trainingWindow(panel: ReturnPanel, ranges: readonly Range[], next: number): Window {
  const { returns, times, assets } = panel;
  const periods = ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, k) => from + k));
  const members: number[] = [];
  for (let i = 0; i < assets.length; i++) {
    const at = i * returns.columns;
    let first = Number.NaN;
    let whole = !Number.isNaN(returns.data[at + next]);
    let moves = false;
    for (const t of periods) {
      const value = returns.data[at + t];
      if (Number.isNaN(value)) {
        whole = false;
        break;
      }
      if (Number.isNaN(first)) first = value;
      else if (value !== first) moves = true;
    }
    if (whole && moves) members.push(i);
  }
  const chosen = matrix(members.length, periods.length);
  members.forEach((member, i) => {
    periods.forEach((t, k) => {
      chosen.data[i * periods.length + k] = returns.data[member * returns.columns + t];
    });
  });
  return {
    members,
    panel: {
      assets: members.map((i) => assets[i]),
      returns: chosen,
      times: Float64Array.from(periods, (t) => times[t]),
      warnings: [],
    },
  };
}

/** The rows of a matrix that belong to some assets. */
export function rowsOf({ columns, data }: Matrix, members: readonly number[]): Matrix {
  const out = matrix(members.length, columns);
  members.forEach((member, i) => {
    out.data.set(data.subarray(member * columns, (member + 1) * columns), i * columns);
  });
  return out;
}

/**
 * The same limits for a part of the assets: those that are not there have no weight, so that their names vanish from groups,
 * records and sentences.
 *
 * @param all assets that the limits may name
 * @param held weights before the trade, which replace `holdings`; null before the first one, which no turnover limits
 */
export function limitsWithin(
  limits: Limits,
  all: readonly string[],
  present: readonly string[],
  held: Readonly<Record<string, number>> | null,
): Limits {
  const there = new Set(present);
  const only = <T>(record: Readonly<Record<string, T>> | undefined) =>
    record && Object.fromEntries(Object.entries(record).filter(([name]) => there.has(name)));
  const nested = (record: Readonly<Record<string, Readonly<Record<string, number>>>> | undefined) =>
    record && Object.fromEntries(Object.entries(record).map(([name, inner]) => [name, only(inner) ?? {}]));
  const groups =
    limits.groups &&
    Object.fromEntries(
      Object.entries(limits.groups).map(([name, members]) => [name, members.filter((one) => there.has(one))]),
    );
  const names = [
    ...all,
    ...Object.keys(limits.groups ?? {}),
    ...Object.keys(limits.factors ?? {}),
    ...reservedNames,
  ];
  const gone = (name: string) => (all.includes(name) && !there.has(name)) || groups?.[name]?.length === 0;
  const constraints = limits.constraints.flatMap((sentence) => {
    const relations = readRelations(sentence, names);
    if (held === null && relations.some(({ coefficients }) => coefficients.has("turnover"))) return [];
    if (!relations.some(({ coefficients }) => [...coefficients.keys()].some(gone))) return [sentence];
    return relations.flatMap(({ kind, coefficients, constant }) => {
      const left = [...coefficients].filter(([name]) => !gone(name));
      if (left.length === 0) return []; // it says nothing about the assets that are there
      const sum = left
        .map(([name, value]) => `${value < 0 ? "-" : "+"} ${Math.abs(value)} * "${name}"`)
        .join(" ");
      return [`${sum} ${kind} ${-constant < 0 ? `- ${constant}` : `${0 - constant}`}`];
    });
  });
  return {
    ...limits,
    bounds: only(limits.bounds),
    groups,
    factors: nested(limits.factors),
    benchmark: only(limits.benchmark),
    holdings: only(held ?? {}),
    turnoverLimit: held === null ? undefined : limits.turnoverLimit,
    constraints,
  };
}
