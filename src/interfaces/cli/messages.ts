/** English text of the command line, in one place so that it can be translated. */
import { tagline } from "../messages.ts";
import { counted } from "../plural.ts";

export const messages = {
  title: (version: string) => `fathom ${version}: ${tagline}`,
  usage: "Usage",
  commands: "Commands",
  actions: "Actions",
  flags: "Flags",
  commonFlags: "Flags of every command",
  environment: "Environment",
  exitStatuses: "Exit statuses",
  required: "required",
  path: "path",
  item: (place: number) => `item ${place}`,
  defaultsTo: (value: string) => `default ${value}`,
  range: {
    between: (low: number, high: number) => `${low} to ${high}`,
    atLeast: (low: number) => `at least ${low}`,
    above: (low: number) => `more than ${low}`,
    atMost: (high: number) => `at most ${high}`,
    below: (high: number) => `less than ${high}`,
  },
  moreHelp: "fathom <service> <action> --help lists the flags of an action.",
  jsonNote:
    "Every field of the input is a flag, in kebab-case or as it is spelled in the schema; nested fields are joined by a dot; lists are written a,b or by repeating the flag; --no-x means false.",
  common: {
    input: "the whole input as a JSON file, or - for standard input; flags override its fields",
    json: "print exactly one JSON document, the output, on standard output",
    dataFolder: "where models, checkpoints and the ledger live (default ./fathom-data)",
    threads: "threads that a training may use (default all of the processor's)",
    provider: "what trains and runs networks (default cpu); cuda and webgpu need their libraries",
    detach: "queue it as a job and print its id instead of waiting; a worker or a server runs it",
    config: "the configuration file (default ./fathom.config.json, when it is there)",
    quiet: "no progress and no notes on standard error; warnings and errors stay",
    help: "this page",
    version: "the version",
  },
  environmentNotes: [
    "FATHOM_<SETTING>   a setting, such as FATHOM_DATA_FOLDER; fathom config lists all with their values",
    "DATABASE_URL       the PostgreSQL server that holds the state",
    "FATHOM_DEBUG=1     print the stack of a mistake of ours",
  ],
  statuses: [
    "0    done",
    "1    a mistake of ours",
    "2    bad input or usage",
    "3    not found",
    "4    conflict, or refused by a limit",
    "5    a needed service is unavailable",
    "130  interrupted",
  ],
  serveName: "fathom serve",
  workerName: "fathom worker",
  serveAt: (address: string) => `fathom serve at ${address}`,
  stateClosed: "the state could not be opened; requests that need it try again",
  stateUnread: "the state could not be asked for what /metrics tells of it",
  serveSummary: "Serve every capability over HTTP, with its OpenAPI page",
  workerSummary: "Run queued jobs until it is stopped; as many workers as you like share the queue",
  working: (name: string, concurrency: number) =>
    `worker ${name} takes up to ${concurrency} ${concurrency === 1 ? "job" : "jobs"} at a time; Ctrl-C stops it`,
  draining: (count: number) =>
    `stopping: ${count} running ${count === 1 ? "job saves its" : "jobs save their"} work and ${count === 1 ? "goes" : "go"} back into the queue`,
  detached: (id: string, words: string) =>
    [
      `job      ${id}`,
      `runs     in a worker: fathom worker${words} or fathom serve${words}`,
      `follow   fathom jobs follow ${id}${words}`,
      `cancel   fathom jobs cancel ${id}${words}`,
    ].join("\n"),
  detachedCommand: (name: string) =>
    `--detach: expected an action that can be a job, such as forecast train, received ${name}`,
  detachedInput: (flag: string) => `${flag}: expected a file, since a job has no standard input, received -`,
  backupSummary: "Write the database and the files of the data folder into one file, beside a running server",
  restoreSummary: "Put a backup in place, of either kind of database into either",
  restoreName: "fathom restore",
  backedUp: (file: string, { tables, rows, files }: { tables: number; rows: number; files: number }) =>
    `${file}: ${counted(rows, "row")} of ${counted(tables, "table")}, and ${counted(files, "file")}`,
  restored: (
    file: string,
    { tables, rows, files }: { tables: number; rows: number; files: number },
    entries: number,
  ) =>
    `${file}: restored ${counted(rows, "row")} of ${counted(tables, "table")} and ${counted(files, "file")}; the ledger is whole (${counted(entries, "entry", "entries")})`,
  startSummary: "The main job: train a forecast on prices, write its report, and serve it",
  reused: (folder: string, at: string) =>
    `model ${folder} of ${at} is used again; --retrain trains a new one`,
  otherTraining: (reference: string, differences: readonly string[]) =>
    `${reference}: expected the model of this training, found that of another (${differences.join("; ")}); --retrain replaces it, another --out keeps both`,
  otherField: (flag: string, asked: string, found: string) => `${flag}: expected ${asked}, found ${found}`,
  otherBytes: (flag: string) => `${flag}: expected the same bytes, found others`,
  stopping: "stopping; press Ctrl-C again to end at once",
  unknownCommand: (words: string, hint: string) => `there is no command "${words}"${hint}`,
  didYouMean: (names: readonly string[]) => `; did you mean ${names.join(" or ")}?`,
  seeHelp: (command: string) => `; ${command} --help lists what there is`,
  unknownFlag: (flag: string, hint: string) => `unknown flag ${flag}${hint}`,
  needsValue: (flag: string, type: string) => `${flag}: expected ${type}, received nothing`,
  givenTwice: (flag: string) => `${flag}: expected once, received more than once`,
  takesNoValue: (flag: string, value: string) =>
    `${flag}: expected no value, received ${JSON.stringify(value)}`,
  unexpectedArgument: (word: string) =>
    `unexpected argument ${JSON.stringify(word)}: fields are given as flags, such as --data prices.csv`,
  inputMissing: (path: string) => `--input: expected a file at ${path}, found none`,
  inputNotJson: (path: string, reason: string) => `--input: ${path}: expected JSON, received ${reason}`,
  inputNotObject: (path: string, received: string) =>
    `--input: ${path}: expected a JSON object, received ${received}`,
  inputTwice: (flag: string) =>
    `--input and ${flag}: expected one of them to read standard input, received both as -`,
  standardInput: "standard input",
  standardOutput: "standard output",
  timeLeft: (seconds: string) => `${seconds} left`,
  warning: (message: string) => `warning: ${message}`,
  internalHint: "set FATHOM_DEBUG=1 to see where",
  listening: (address: string) =>
    `fathom serves ${address} (documentation at ${address}/docs); Ctrl-C stops it`,
  servedModel: (reference: string) => `model ${reference} is served by default`,
  servedNameTaken: (flag: string, place: string, other: string) =>
    `${flag}: expected a model whose name no other has, received ${place}, and requests would take its name for ${other}: rename one of them`,
  stopped: "stopped",
  firstKey: (token: string) =>
    `the first API key, which may do everything; it is shown this once:\n\n  ${token}\n\nfathom keys create makes others`,
  withoutKeys: "no API key is asked for (--no-keys); only this machine can reach the server",
  keysNeeded: (host: string) =>
    `--no-keys: expected a loopback host such as 127.0.0.1, received ${host}, which other machines can reach; give --keys, or another --host`,
  configSummary: "Print every setting, where its value comes from, with secrets hidden",
} as const;
