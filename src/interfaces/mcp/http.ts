/** MCP over HTTP (streamable, at `/mcp`), behind the same keys, scopes and limits as every other route. */
import { randomUUID } from "node:crypto";
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Clock, PlatformError } from "../../base/index.ts";
import type { Problem } from "../failure.ts";
import { messages } from "./messages.ts";
import { mcpOperations } from "./operations.ts";
import { type McpOptions, mcpServer } from "./server.ts";

export interface McpRouteOptions extends Pick<McpOptions, "capabilities" | "version"> {
  readonly clock: Clock;
  /** Runs for the one who made the request that opened the session. */
  readonly run: (request: FastifyRequest, ...call: Parameters<McpOptions["run"]>) => Promise<unknown>;
  readonly problemOf: (error: unknown, what: string, signal: AbortSignal) => Problem;
}

interface Session {
  readonly id: string;
  readonly owner: string;
  readonly server: Server;
  readonly transport: StreamableHTTPServerTransport;
  usedMs: number;
}

/** Of all keys together, and of one key, whose oldest makes room for its newest. */
const [mostSessions, mostOfOne] = [200, 20];
/** A session that nobody uses for so long is closed when the next one opens. */
const idleMs = 30 * 60_000;

export function mcpRoutes(app: FastifyInstance, options: McpRouteOptions): void {
  const { capabilities, version, clock, run, problemOf } = options;
  const sessions = new Map<string, Session>();

  const close = async (session: Session) => {
    sessions.delete(session.id);
    await session.server.close();
  };
  const makeRoom = async (owner: string) => {
    const oldest = (of: readonly Session[]) => of.reduce((a, b) => (b.usedMs < a.usedMs ? b : a));
    for (const session of [...sessions.values()])
      if (clock.elapsed() - session.usedMs > idleMs) await close(session);
    const own = [...sessions.values()].filter((session) => session.owner === owner);
    if (own.length >= mostOfOne) await close(oldest(own));
    if (sessions.size >= mostSessions)
      throw new PlatformError("unavailable", "SERVER_BUSY", messages.tooManySessions(mostSessions));
  };
  const open = async (request: FastifyRequest): Promise<StreamableHTTPServerTransport> => {
    const owner = ownerOf(request);
    await makeRoom(owner);
    const server = mcpServer({
      capabilities,
      version,
      scopes: request.caller?.scopes,
      elapsed: clock.elapsed,
      run: (...call) => run(request, ...call),
      problemOf,
    });
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => {
        sessions.set(id, { id, owner, server, transport, usedMs: clock.elapsed() });
      },
      onsessionclosed: (id) => void sessions.delete(id),
    });
    await server.connect(transport as Parameters<typeof server.connect>[0]);
    return transport;
  };

  const handle = async (request: FastifyRequest, reply: FastifyReply) => {
    const id = request.headers["mcp-session-id"];
    let transport: StreamableHTTPServerTransport;
    if (id === undefined) {
      transport = await open(request);
    } else {
      const session = sessions.get(String(id));
      // Another key's session is as unknown as one that never was.
      if (session === undefined || session.owner !== ownerOf(request))
        throw new PlatformError("missing", "SESSION_UNKNOWN", messages.unknownSession);
      session.usedMs = clock.elapsed();
      transport = session.transport;
    }
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    await transport.handleRequest(request.raw, reply.raw, request.body);
  };
  for (const [method, operation] of Object.entries(mcpOperations))
    app.route({ method, url: "/mcp", config: { operation }, handler: handle, exposeHeadRoute: false });
  // Open streams would hold the server.
  app.addHook("preClose", async () => {
    await Promise.all([...sessions.values()].map(close));
  });
}

const ownerOf = ({ caller }: FastifyRequest) => caller?.key?.prefix ?? caller?.actor ?? "";
