/** What the routes about the server itself say of themselves: its document, its health, its pages. */
import { messages } from "./messages.ts";
import { json, media, type Operation, object, text } from "./openapi/index.ts";

const status = object({ status: text });
const page = { 200: { description: messages.page, content: media("text/html", text) } };
const shared = { tag: "server", query: "any" } as const;

export const serverOperations = {
  document: {
    ...shared,
    id: "openapi",
    summary: messages.documentSummary,
    answers: { 200: json(messages.answer, { type: "object" }) },
  },
  health: {
    ...shared,
    id: "health",
    summary: messages.healthSummary,
    answers: { 200: json(messages.answer, status) },
  },
  readiness: {
    ...shared,
    id: "ready",
    summary: messages.readySummary,
    answers: { 200: json(messages.answer, status), 503: json(messages.notReady, status) },
  },
} as const satisfies Record<string, Operation>;

export const metricsOperation: Operation = {
  id: "metrics",
  tag: "server",
  summary: messages.metricsSummary,
  answers: { 200: { description: messages.answer, content: media("text/plain", text) } },
};

/** @param files what `/docs/{file}` has */
export function pageOperations(files: readonly string[]) {
  return {
    home: { ...shared, id: "home", summary: messages.homeSummary, answers: page },
    docs: { ...shared, id: "docs", summary: messages.docsSummary, answers: page },
    docsFile: {
      ...shared,
      id: "docs-file",
      summary: messages.docsFileSummary,
      path: { file: { enum: files } },
      answers: { 200: { description: messages.docsFileSummary } },
      refusals: [404],
    },
  } as const satisfies Record<string, Operation>;
}
