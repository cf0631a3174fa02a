/** How much of a test part the pictures show, and what they say of the rest. */
import { type Target, targetMeaning } from "../schema.ts";
import { capitalised, listed } from "./words.ts";

/** Bars that the picture of forecasts shows: enough to see, few enough to tell apart. */
export const shownBars = 120;

/** Horizons that pictures show; the tables have all. */
export const shownHorizons = 3;

/** The sentence about horizons that pictures leave out; empty when there are none. */
export function leftOut(horizons: readonly number[]): string {
  const rest = horizons.slice(shownHorizons);
  if (rest.length === 0) return "";
  return ` The horizon${rest.length === 1 ? "" : "s"} of ${listed(rest)} ${rest.length === 1 ? "is" : "are"} left to the tables.`;
}

/** What the y axis of a picture of outcomes says. */
export function outcomeAxis(target: Target) {
  const { title, unit } = targetMeaning[target];
  return target === "direction" ? { label: "Probability of a rise" } : { label: capitalised(title), unit };
}
