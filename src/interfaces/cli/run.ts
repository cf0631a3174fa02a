/** One command from its words to its exit status. Reads no global state, so that a test can run it in its own process. */
import { availableParallelism } from "node:os";
import type { Capability, Compute, Context, Logger, ProgressPort } from "../../base/index.ts";
import { PlatformError, restated, suggest } from "../../base/index.ts";
import { systemCode } from "../../platform/local/index.ts";
import { call, parseInput } from "../call.ts";
import {
  type Configuration,
  configurationMessages,
  resolveConfiguration,
  secretFileVariables,
  settingSchemas,
} from "../configuration/index.ts";
import { type Failure, failureOf, failureTable, problemOf } from "../failure.ts";
import { addressOf } from "../names.ts";
import { type JsonSchema, jsonSchemaOf } from "../schema.ts";
import {
  type Arguments,
  commonFlags,
  commonLast,
  isOn,
  overlay,
  parseArguments,
  parseRequest,
} from "./arguments.ts";
import { findFlag, flagName } from "./flags.ts";
import { actionHelp, type Command, commandHelp, rootHelp, serviceHelp } from "./help.ts";
import { messages } from "./messages.ts";
import { openTerminal, printable, type Terminal } from "./terminal.ts";

// biome-ignore lint/suspicious/noConfusingVoidType: a command that has nothing to say of it returns nothing
export type ExitStatus = number | void;

/** A command beside the capabilities; it parses its own fields and runs until it is stopped. */
export interface ExtraCommand extends Command {
  /** @returns the exit status, when it is not 0 though nothing failed */
  run(input: Record<string, unknown>, world: CommandWorld): Promise<ExitStatus>;
}

export interface CommandWorld {
  readonly dataFolder: string;
  readonly compute: Compute;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  /** Whether a result is to be one JSON document. */
  readonly json: boolean;
  /** Writes a result to standard output. */
  readonly print: (text: string) => void;
  /** Every setting with its origin; what a command takes of it lies in its input already. */
  readonly configuration: Configuration;
}

/** What the command line touches of the process, so that a test can hand in its own. */
export interface CliOptions {
  /** The words after `fathom`. */
  readonly argv: readonly string[];
  readonly capabilities: readonly Capability[];
  readonly commands?: readonly ExtraCommand[];
  readonly version: string;
  /** The settings in it are read, and `FATHOM_CONFIG`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: { write(text: string): void; readonly columns?: number };
  readonly stderr: { write(text: string): void; readonly isTTY?: boolean; readonly columns?: number };
  readonly readInput: (path: string) => Promise<string>;
  readonly signal: AbortSignal;
  readonly elapsed: () => number;
  /** Where relative paths of a job start that is queued from here. */
  readonly workingFolder?: string | undefined;
  readonly makeContext: (options: {
    dataFolder: string;
    databaseUrl?: string | undefined;
    compute: Compute;
    signal: AbortSignal;
    progress: ProgressPort;
    logger: Logger;
  }) => Context;
}

/** @returns the exit status */
export async function runCli(options: CliOptions): Promise<number> {
  const { argv, stdout, stderr, environment, signal } = options;
  const terminal = openTerminal({
    write: (text) => stderr.write(text),
    isTerminal: stderr.isTTY === true,
    columns: () => stderr.columns || 80, // a terminal that does not know its size says 0
    elapsed: options.elapsed,
    quiet: isOn("quiet", argv),
  });
  try {
    const status = await dispatch(options, terminal);
    terminal.close();
    return typeof status === "number" ? status : 0; // a page of help ends with what its stream says
  } catch (error) {
    terminal.close();
    const failure = failureOf(error, commandWords(commonLast(argv)).join(" ") || "fathom", signal);
    if (isOn("json", argv)) stdout.write(`${JSON.stringify(problemOf(failure))}\n`);
    const debug = Boolean(environment["FATHOM_DEBUG"]);
    terminal.line(failureLine(failure, debug));
    if (failure.kind === "bug" && debug && error instanceof Error) stderr.write(`${error.stack}\n`);
    return failureTable[failure.kind].exitStatus;
  }
}

/** `error CODE: message`, and for a mistake of ours how to see more of it. */
export function failureLine({ kind, code, message }: Failure, debug = false): string {
  const hint = kind === "bug" && !debug ? ` (${messages.internalHint})` : "";
  return `error ${code}: ${printable(message)}${hint}`;
}

async function dispatch(options: CliOptions, terminal: Terminal): Promise<ExitStatus> {
  const { capabilities, commands = [], stdout, version } = options;
  const argv = commonLast(options.argv);
  const width = Math.min(120, Math.max(60, stdout.columns || 100));
  let words = commandWords(argv);
  let flags = argv.slice(words.length);
  if (words[0] === "help") {
    words = words.slice(1);
    flags = ["--help", ...flags];
  }
  const wantsHelp = isOn("help", flags);
  if (isOn("version", flags)) return stdout.write(`${version}\n`);

  const command = commands.find(({ name }) => name === words[0]);
  if (command) {
    if (wantsHelp) return stdout.write(commandHelp(command, width));
    const { common, fields } = parseArguments([...words.slice(1), ...flags], command.schema);
    if (common.detach === true)
      throw new PlatformError("input", "INPUT_INVALID", messages.detachedCommand(command.name));
    const input = await readFields(common, fields, options);
    const configuration = await configurationOf(common, input, options, terminal);
    return command.run(overlayGiven(configuration, input, command), {
      configuration,
      dataFolder: configuration.values.dataFolder,
      compute: computeOf(configuration),
      terminal,
      signal: options.signal,
      json: common.json === true,
      print: (text) => stdout.write(`${text.trimEnd()}\n`),
    });
  }

  const [service, action, ...rest] = words;
  if (service === undefined) {
    if (flags.length > 0) parseArguments(flags, { type: "object", properties: {} });
    return stdout.write(rootHelp(capabilities, commands, { version, width }));
  }
  const ofService = capabilities.filter((capability) => addressOf(capability).service === service);
  if (ofService.length === 0) throw unknownCommand(words, capabilities, commands);
  if (action === undefined) return stdout.write(serviceHelp(capabilities, service, width));
  const capability = ofService.find((one) =>
    [addressOf(one).action, one.name.split(".")[1]].includes(action),
  );
  if (!capability) throw unknownCommand(words, capabilities, commands);
  if (wantsHelp) return stdout.write(actionHelp(capability, width));
  const { positional } = capability;
  const named =
    positional !== undefined && rest.length > 0 ? [`--${positional}=${rest[0]}`, ...rest.slice(1)] : rest;
  await runCapability(capability, [...named, ...flags], options, terminal);
}

async function runCapability(
  capability: Capability,
  words: readonly string[],
  options: CliOptions,
  terminal: Terminal,
): Promise<void> {
  const schema = inputSchemaOf(capability);
  const { common, fields } = parseArguments(words, schema);
  const raw = await readFields(common, fields, options);
  if (common.input === "-") {
    const other = capability.paths.find((path) => raw[path] === "-");
    if (other !== undefined) {
      throw new PlatformError("input", "INPUT_INVALID", messages.inputTwice(flagName([other])));
    }
  }
  const input = parseInput(capability, raw, flagName);
  const configuration = await configurationOf(common, {}, options, terminal);
  const { dataFolder, databaseUrl } = configuration.values;
  const context = options.makeContext({
    dataFolder,
    databaseUrl,
    compute: computeOf(configuration),
    signal: options.signal,
    progress: terminal,
    logger: terminal,
  });
  if (common.detach === true) return detach(capability, input, context, common, options);
  const output = await call(capability, input, context).catch((error: unknown) => {
    throw asFlag(error, schema);
  });
  terminal.close();
  if (common.json === true) options.stdout.write(`${JSON.stringify(output)}\n`);
  else if (capability.print) options.stdout.write(`${capability.print(output).trimEnd()}\n`);
  else options.stdout.write(`${JSON.stringify(output, null, 2)}\n`);
}

/** Queues the call as a job, and says how to hear of it. */
async function detach(
  { name, paths }: Capability,
  input: Record<string, unknown>,
  context: Context,
  common: Arguments["common"],
  { stdout, workingFolder }: CliOptions,
): Promise<void> {
  const piped = paths.find((path) => input[path] === "-");
  if (piped !== undefined)
    throw new PlatformError("input", "INPUT_INVALID", messages.detachedInput(flagName([piped])));
  const { jobs } = await context.platform();
  const { job } = await jobs.submit({ capability: name, input, workingFolder });
  const folder = common.dataFolder === undefined ? "" : ` --data-folder ${common.dataFolder}`;
  const text = common.json === true ? JSON.stringify({ job: job.id }) : messages.detached(job.id, folder);
  stdout.write(`${text}\n`);
}

/** A service names a field of its input, where the user wrote a flag. */
function asFlag(error: unknown, schema: JsonSchema): unknown {
  if (!(error instanceof PlatformError)) return error;
  const { message, details } = error;
  const { field = "" } = details;
  const path = field.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  const flag = path.filter((part) => typeof part === "string").join(".");
  if (findFlag(flag, schema) === undefined || !message.startsWith(`${field}: `)) return error;
  return restated(error, `${flagName(path)}${message.slice(field.length)}`);
}

/** @throws Error when a field has the name of a common flag, which would hide it */
function inputSchemaOf(capability: Capability): JsonSchema {
  const schema = jsonSchemaOf(capability.input);
  const hidden = Object.keys(schema.properties ?? {}).filter((name) => Object.hasOwn(commonFlags, name));
  if (hidden.length > 0)
    throw new Error(`broken rule: ${capability.name} has no field named ${hidden.join(", ")}`);
  return schema;
}

async function readFields(
  common: Arguments["common"],
  fields: Arguments["fields"],
  { readInput }: CliOptions,
): Promise<Record<string, unknown>> {
  if (common.input === undefined) return overlay({}, fields);
  const path = common.input;
  const text = await readInput(path).catch((error: unknown) => {
    if (systemCode(error) === undefined) throw error;
    throw new PlatformError("missing", "DATA_FILE_MISSING", messages.inputMissing(path), { file: path });
  });
  return overlay(parseRequest(text, path === "-" ? messages.standardInput : path), fields);
}

/** The settings of this run: flags over the environment over the file. Says of each variable that is none of ours that it is not. */
async function configurationOf(
  { config, dataFolder, provider, threads }: Arguments["common"],
  input: Readonly<Record<string, unknown>>,
  { environment, readInput }: CliOptions,
  terminal: Terminal,
): Promise<Configuration> {
  const named = config ?? (environment["FATHOM_CONFIG"] || undefined);
  const name = named ?? configurationFile;
  const text = await readInput(name).catch((error: unknown) => {
    if (systemCode(error) === undefined) throw error;
    if (named === undefined && systemCode(error) === "ENOENT") return undefined;
    const message = configurationMessages.fileMissing(
      name,
      config === undefined ? "FATHOM_CONFIG" : "--config",
    );
    throw new PlatformError("missing", "DATA_FILE_MISSING", message, { file: name });
  });
  const settings = Object.entries({ ...input, dataFolder, provider, threads }).filter(
    ([setting, value]) => Object.hasOwn(settingSchemas, setting) && value !== undefined,
  );
  const file = text === undefined ? undefined : { name, text };
  const configuration = resolveConfiguration({
    file,
    environment: await withSecretFiles(environment, readInput),
    flags: Object.fromEntries(settings),
  });
  for (const warning of configuration.warnings) terminal.warn(warning);
  return configuration;
}

/** What computes: all threads of the processor where the settings name none. */
function computeOf({ values: { provider, threads = availableParallelism() } }: Configuration): Compute {
  return { provider, threads };
}

/**
 * The environment with the content of secret files in it: `DATABASE_URL_FILE` names a file, as container platforms mount
 * secrets, whose text is the value of `DATABASE_URL`.
 */
async function withSecretFiles(
  environment: CliOptions["environment"],
  readInput: CliOptions["readInput"],
): Promise<CliOptions["environment"]> {
  const read = { ...environment };
  for (const { variable, fileVariable } of secretFileVariables) {
    const path = environment[fileVariable];
    if (!path) continue;
    if (environment[variable]) {
      const message = configurationMessages.bothGiven(variable, fileVariable);
      throw new PlatformError("input", "CONFIGURATION_INVALID", message);
    }
    const text = await readInput(path).catch((error: unknown) => {
      if (systemCode(error) === undefined) throw error;
      const message = configurationMessages.fileMissing(path, fileVariable);
      throw new PlatformError("missing", "DATA_FILE_MISSING", message, { file: path });
    });
    read[variable] = text.trim();
  }
  return read;
}

const configurationFile = "fathom.config.json";

/** What a command was given, over what is configured of its fields. */
function overlayGiven(
  { given }: Configuration,
  input: Readonly<Record<string, unknown>>,
  { schema }: Command,
): Record<string, unknown> {
  const fields = Object.keys(schema.properties ?? {});
  const configured = Object.entries(given).filter(([name]) => fields.includes(name));
  return { ...Object.fromEntries(configured), ...input };
}

/** The leading words that are not flags. */
function commandWords(argv: readonly string[]): string[] {
  const firstFlag = argv.findIndex((word) => word.startsWith("-"));
  return argv.slice(0, firstFlag < 0 ? argv.length : firstFlag);
}

function unknownCommand(
  words: readonly string[],
  capabilities: readonly Capability[],
  commands: readonly Command[],
): PlatformError {
  const [service, action] = words;
  const addresses = capabilities.map(addressOf);
  const sameService = addresses.filter((address) => address.service === service);
  const near =
    sameService.length > 0
      ? suggest(
          action ?? "",
          sameService.map((address) => address.action),
        ).map((name) => `${service} ${name}`)
      : suggest(service, [
          ...new Set([...addresses.map((address) => address.service), ...commands.map(({ name }) => name)]),
        ]);
  const written = sameService.length > 0 ? `${service} ${action}` : service;
  const hint =
    near.length > 0
      ? messages.didYouMean(near.map((name) => `fathom ${name}`))
      : messages.seeHelp(sameService.length > 0 ? `fathom ${service}` : "fathom");
  return new PlatformError("input", "COMMAND_UNKNOWN", messages.unknownCommand(written, hint));
}
