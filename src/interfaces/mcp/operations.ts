/** What the route for agents says of itself. Its messages are JSON-RPC, whose schemas the protocol has; our tools stand in `tools/list`. */
import { type Json, media, type Operation, object, ref, text } from "../http/openapi/index.ts";
import { messages } from "./messages.ts";

const { http: words } = messages;
const message = { description: words.message, type: "object", properties: { jsonrpc: { const: "2.0" } } };
const sessionHeader = { description: words.session, schema: text };
const session = (required: boolean): Json => ({
  name: "Mcp-Session-Id",
  in: "header",
  ...(required && { required }),
  ...sessionHeader,
});
const version = { name: "Mcp-Protocol-Version", in: "header", description: words.version, schema: text };

/** The protocol's own refusals are JSON-RPC, ours are problems. */
const refusal = (description: string): Json => ({
  description,
  content: {
    ...media("application/json", ref("JsonRpcError")),
    ...media("application/problem+json", ref("Problem")),
  },
});
const schemas = {
  JsonRpcError: object({
    jsonrpc: { const: "2.0" },
    error: object({ code: { type: "integer" }, message: text }),
    id: { type: ["string", "integer", "null"] },
  }),
};
const shared = {
  tag: "agents",
  description: words.description,
  query: "any",
  schemas,
} as const;
const refusals = {
  400: refusal(words.malformed),
  404: refusal(words.unknownSession),
  406: refusal(words.notAcceptable),
};

export const mcpOperations = {
  POST: {
    ...shared,
    id: "mcp-send",
    summary: words.send,
    headers: [session(false), version],
    body: {
      required: true,
      content: media("application/json", { anyOf: [message, { type: "array", items: message }] }),
    },
    answers: {
      200: {
        description: words.answer,
        headers: { "Mcp-Session-Id": sessionHeader },
        content: { ...media("application/json", message), ...media("text/event-stream", text) },
      },
      202: { description: words.accepted },
      ...refusals,
    },
    refusals: [413, 415],
  },
  GET: {
    ...shared,
    id: "mcp-listen",
    summary: words.listen,
    headers: [session(true), version],
    answers: {
      200: { description: words.stream, content: media("text/event-stream", text) },
      ...refusals,
      409: refusal(words.oneStream),
    },
  },
  DELETE: {
    ...shared,
    id: "mcp-close",
    summary: words.close,
    headers: [session(true), version],
    answers: { 200: { description: words.closed }, 400: refusals[400], 404: refusals[404] },
  },
} as const satisfies Record<string, Operation>;
