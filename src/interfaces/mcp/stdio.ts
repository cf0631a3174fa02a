/** `fathom mcp`: the capabilities for an agent that runs us as its child. Standard output belongs to the protocol alone. */
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { ErrorCode } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import type { Capability, Compute, Context, Logger, ProgressPort } from "../../base/index.ts";
import { call, parseInput } from "../call.ts";
import type { ExtraCommand } from "../cli/run.ts";
import { failureOf, problemOf } from "../failure.ts";
import { messages } from "./messages.ts";
import { mcpServer } from "./server.ts";
import { turns } from "./turns.ts";

export interface McpCommandOptions {
  readonly capabilities: readonly Capability[];
  readonly version: string;
  readonly elapsed: () => number;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly makeContext: (options: {
    dataFolder: string;
    databaseUrl?: string | undefined;
    compute: Compute;
    signal: AbortSignal;
    progress: ProgressPort;
    logger: Logger;
  }) => Context;
}

export function mcpCommand(options: McpCommandOptions): ExtraCommand {
  const { capabilities, version, elapsed, stdin, stdout, makeContext } = options;
  return {
    name: "mcp",
    summary: messages.commandSummary,
    schema: { type: "object", properties: {} },
    async run(_, { dataFolder, compute, configuration, terminal, signal }) {
      const inTurn = turns();
      const server = mcpServer({
        capabilities,
        version,
        elapsed,
        scopes: undefined, // whoever started us may do what the command line may
        run: (capability, given, world) => {
          const input = parseInput(capability, given, (path) => path.map(String).join("."));
          const { databaseUrl } = configuration.values;
          const work = () =>
            call(
              capability,
              input,
              makeContext({ dataFolder, databaseUrl, compute, logger: terminal, ...world }),
            );
          return capability.mode === "task" ? inTurn(world.signal, capability.name, work) : work();
        },
        problemOf: (error, what, stopped) => {
          const failure = failureOf(error, what, stopped);
          if (failure.kind === "bug") terminal.warn(`${what}: ${failure.message}`);
          return problemOf(failure);
        },
      });
      const ended = new Promise<void>((resolve) => {
        server.onclose = resolve;
        stdin.once("end", resolve).once("close", resolve);
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
      const transport = new StdioServerTransport(stdin, stdout);
      transport.onerror = (error) => {
        const answer = answerToLine(error);
        if (answer !== undefined) stdout.write(`${JSON.stringify(answer)}\n`);
      };
      await server.connect(transport);
      await ended;
      await server.close();
    },
  };
}

/** What JSON-RPC 2.0 (5.1) answers to a line that is no message, whose id nobody knows; undefined for any other failure. */
function answerToLine(error: Error) {
  const answer = (code: ErrorCode, message: string) => ({
    jsonrpc: "2.0",
    id: null,
    error: { code, message },
  });
  if (error instanceof SyntaxError) return answer(ErrorCode.ParseError, messages.notJson);
  if (error instanceof z.ZodError) return answer(ErrorCode.InvalidRequest, messages.notMessage);
  return undefined;
}
