/** An MCP server over the capabilities, for one client, on whatever transport. */
import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListResourcesRequestSchema,
  ListToolsRequestSchema,
  McpError,
  ReadResourceRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { allows, type Capability, PlatformError, type ProgressPort } from "../../base/index.ts";
import type { Problem } from "../failure.ts";
import { scopeMissing } from "../messages.ts";
import { messages } from "./messages.ts";
import { progressNotes } from "./progress.ts";
import { listPages, readPage } from "./resources.ts";
import { isForAgents, toolName, toolOf } from "./tools.ts";

export interface McpOptions {
  readonly capabilities: readonly Capability[];
  readonly version: string;
  /** What the client may ask for; everything when undefined. */
  readonly scopes: readonly string[] | undefined;
  readonly elapsed: () => number;
  /** Checks the arguments and runs; throws as a capability does. */
  readonly run: (
    capability: Capability,
    given: Readonly<Record<string, unknown>>,
    world: { signal: AbortSignal; progress: ProgressPort },
  ) => Promise<unknown>;
  /** A failure as this client may see it. */
  readonly problemOf: (error: unknown, what: string, signal: AbortSignal) => Problem;
}

/** A server that waits for `connect`. */
export function mcpServer(options: McpOptions): Server {
  const { version, scopes, elapsed, run, problemOf } = options;
  const reachable = options.capabilities.filter(isForAgents);
  const allowed = (one: Capability) => scopes === undefined || allows(scopes, one);
  const server = new Server(
    { name: "fathom", title: messages.title, version },
    { capabilities: { tools: {}, resources: {} }, instructions: messages.instructions },
  );

  server.setRequestHandler(ListToolsRequestSchema, async () => ({
    tools: reachable.filter(allowed).map(toolOf),
  }));

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra): Promise<CallToolResult> => {
    const capability = reachable.find((one) => toolName(one) === params.name);
    if (capability === undefined)
      throw new McpError(ErrorCode.InvalidParams, messages.unknownTool(params.name));
    const token = extra._meta?.progressToken;
    const notify = (note: { progress: number; message: string }) => {
      if (token === undefined) return;
      const notification = {
        method: "notifications/progress" as const,
        params: { progressToken: token, ...note },
      };
      extra.sendNotification(notification).catch(() => {}); // the client has left; the answer will find out
    };
    try {
      if (!allowed(capability)) {
        const message = scopeMissing(capability.name, scopes ?? []);
        throw new PlatformError("forbidden", "SCOPE_MISSING", message);
      }
      const world = { signal: extra.signal, progress: progressNotes(notify, elapsed) };
      return answer(await run(capability, params.arguments ?? {}, world));
    } catch (error) {
      return refusal(problemOf(error, capability.name, extra.signal));
    }
  });

  server.setRequestHandler(ListResourcesRequestSchema, async () => ({ resources: await listPages() }));
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params }) => {
    const page = await readPage(params.uri);
    if (page === undefined) throw new McpError(resourceNotFound, messages.unknownResource(params.uri));
    return { contents: [page] };
  });
  return server;
}

/** The code that the protocol gives to a resource that is not there. */
const resourceNotFound = -32002;

/** The output as data, and as text for clients that read nothing else. */
function answer(output: unknown): CallToolResult {
  const text = JSON.stringify(output);
  const isObject = typeof output === "object" && output !== null && !Array.isArray(output);
  return {
    content: [{ type: "text", text }],
    ...(isObject && { structuredContent: JSON.parse(text) as Record<string, unknown> }),
  };
}

/** A failure that the model can read and act on: the line of the command line, and the problem with its code beside it. */
function refusal(problem: Problem): CallToolResult {
  return {
    isError: true,
    content: [{ type: "text", text: `error ${problem.code}: ${problem.detail}` }],
    _meta: { "fathom/problem": problem },
  };
}
