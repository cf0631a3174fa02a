/** English text that the command line and the HTTP server share, in one place so that it can be translated. */
import type { ErrorKind } from "../base/index.ts";

export const tagline = "Deep networks for finance, trained and served on your own machines";

export const failureTitles: Readonly<Record<ErrorKind | "bug", string>> = {
  input: "The request is not valid",
  forbidden: "The request is not allowed",
  missing: "Not found",
  conflict: "The request conflicts with the state of things",
  unavailable: "Something that is needed is not available",
  interrupted: "The work was interrupted",
  bug: "A mistake of ours",
};

export const noSuchCharacter = "expected text without the character U+0000, received one with it";

export const scopeMissing = (scope: string, held: readonly string[]) =>
  `expected a key with the scope ${scope}, received one with ${held.join(", ")}`;

/** What each service is about, shown where its capabilities are listed. */
export const serviceSummaries: Readonly<Record<string, string>> = {
  forecast: "Where a market is going",
  risk: "What can be lost",
  portfolio: "How much of what to hold",
  trading: "One strategy in backtest, paper and live",
  approval: "Credit decisions with reasons",
  support: "Answers for customers",
  diagnosis: "What is wrong with the systems",
  registry: "Which version of a model is in charge, since when and why",
  drift: "Whether data and forecasts are still what a model was made from",
  audit: "What was done, by whom and when, in a chain that shows whatever was changed later",
  bench: "How fast this machine trains",
  jobs: "Work that goes on in the background, on this machine or another",
  keys: "Who may ask a server for what",
  model: "What a model is made of, ours or any ONNX file",
};
