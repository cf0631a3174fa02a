/** The process around one command: signals, streams, the environment and the exit status. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { writeFailure } from "../../base/index.ts";
import {
  type LazyPlatform,
  type LocalContextOptions,
  lazyPlatform,
  localContext,
  systemClock,
} from "../../platform/local/index.ts";
import { capabilities } from "../capabilities.ts";
import { doctorCommand } from "../doctor/index.ts";
import { failureOf, failureTable } from "../failure.ts";
import { inputChecker } from "../jobs/perform.ts";
import { mcpCommand } from "../mcp/index.ts";
import { modelSettings } from "../model-settings.ts";
import { openServedModel } from "../served-model.ts";
import { backupCommand, restoreCommand } from "./backup.ts";
import { configCommand } from "./config.ts";
import { jobsFrom } from "./jobs-from-here.ts";
import { messages } from "./messages.ts";
import { type CliOptions, failureLine, runCli } from "./run.ts";
import { serveCommand } from "./serve.ts";
import { startCommand } from "./start.ts";
import { packageVersion, wantedNode } from "./version.ts";
import { workerCommand } from "./worker.ts";

/**
 * Ends as a program without a handler would, with status 130. An orderly exit ends worker threads where they stand, and one that stands
 * inside ONNX Runtime would take the process with it by an abort.
 */
function endAtOnce(): void {
  process.removeAllListeners("SIGINT");
  process.kill(process.pid, "SIGINT");
}

/** What another process is told of this one: its words without the flags, which may hold secrets. */
function nameOf(argv: readonly string[]): string {
  const firstFlag = argv.findIndex((word) => word.startsWith("-"));
  return ["fathom", ...argv.slice(0, firstFlag < 0 ? 2 : Math.min(firstFlag, 2))].join(" ");
}

/** Runs the command of this process and leaves its exit status behind. */
export async function main(
  overrides: Partial<Pick<CliOptions, "capabilities" | "argv">> & {
    /** The module of the processes that run jobs. */
    readonly jobModule?: URL;
  } = {},
): Promise<void> {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) endAtOnce();
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${messages.stopping}\n`);
    controller.abort();
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as `head`, closes the pipe: that is no failure.
    if (error.code === "EPIPE") process.exit();
    const failure = failureOf(writeFailure(messages.standardOutput, error), "fathom");
    process.stderr.write(`${failureLine(failure)}\n`);
    process.exit(failureTable[failure.kind].exitStatus);
  });
  // Nobody is left to be told, and the result does not suffer.
  process.stderr.on("error", () => {});

  // Read when it is needed: a mistake in it is no reason not to show help.
  const settings = () => modelSettings(process.env);
  // One for each data folder, however many contexts are made; closed when the command has ended.
  const { jobModule, ...cli } = overrides;
  const checkInput = inputChecker(overrides.capabilities ?? capabilities);
  const platforms = new Map<string, LazyPlatform>();
  const platformOf = (folder: string, databaseUrl: string | undefined) => {
    const dataFolder = resolve(folder);
    const known = platforms.get(dataFolder);
    const what = nameOf(process.argv.slice(2));
    const platform = known ?? lazyPlatform({ dataFolder, databaseUrl, checkInput, what, ...settings() });
    platforms.set(dataFolder, platform);
    return platform;
  };
  const makeContext = ({
    databaseUrl,
    ...options
  }: LocalContextOptions & { databaseUrl?: string | undefined }) =>
    localContext({
      platform: async () => jobsFrom(process.cwd(), await platformOf(options.dataFolder, databaseUrl).open()),
      actor: process.env["FATHOM_ACTOR"] || undefined,
      unsigned: settings().unsigned,
      ...options,
    });

  const jobWorld = { platformOf, module: jobModule };
  const serve = serveCommand(overrides.capabilities ?? capabilities, openServedModel, jobWorld, settings);
  const mcp = mcpCommand({
    capabilities: overrides.capabilities ?? capabilities,
    version: packageVersion(),
    elapsed: systemClock.elapsed,
    stdin: process.stdin,
    stdout: process.stdout,
    makeContext,
  });
  const doctor = doctorCommand({
    clock: systemClock,
    nodeVersion: process.version,
    wantedNode: wantedNode(),
    platformOf,
  });
  process.exitCode = await runCli({
    argv: process.argv.slice(2),
    capabilities,
    commands: [
      startCommand(serve, makeContext),
      serve,
      workerCommand(jobWorld),
      mcp,
      backupCommand(platformOf),
      restoreCommand(platformOf),
      configCommand,
      doctor,
    ],
    version: packageVersion(),
    environment: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    readInput: (path) => (path === "-" ? text(process.stdin) : readFile(path, "utf8")),
    signal: controller.signal,
    elapsed: systemClock.elapsed,
    makeContext,
    workingFolder: process.cwd(),
    ...cli,
  });
  await Promise.all([...platforms.values()].map((platform) => platform.close()));
  // Workers or sockets that something forgot to close must not hold the prompt.
  setTimeout(() => process.exit(), 1_000).unref();
}
