/** Servers and workers as processes that can be killed, and be there again. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("./fathom.ts", import.meta.url));

export interface FleetOptions {
  readonly dataFolder: string;
  readonly databaseUrl?: string | undefined;
  /** The words of each process, by name; a server names its port. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
  /** Put before the command, such as a limit of the shell. */
  readonly shellPrefix?: string;
}

export interface Fleet {
  readonly names: readonly string[];
  /** Ends a process at once and starts another one in its place. */
  replace(name: string): Promise<void>;
  /** What the processes wrote to standard error. */
  readonly said: string[];
  isRunning(name: string): boolean;
  signal(name: string, signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export function startFleet({ dataFolder, databaseUrl, commands, shellPrefix }: FleetOptions): Fleet {
  const processes = new Map<string, ChildProcess>();
  const said: string[] = [];
  const { DATABASE_URL: _, ...environment } = process.env;
  const start = (name: string) => {
    const words = ["--import", "tsx", entry, ...commands[name], "--data-folder", dataFolder];
    const [file, list] =
      shellPrefix === undefined
        ? [process.execPath, words]
        : ["/bin/sh", ["-c", `${shellPrefix}; exec "$0" "$@"`, process.execPath, ...words]];
    const child = spawn(file, list, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...environment, ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }) },
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said.push(`${name}: ${text}`);
      if (said.length > 500) said.shift();
    });
    processes.set(name, child);
  };
  const end = async (name: string, signal: NodeJS.Signals) => {
    const child = processes.get(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  };
  for (const name of Object.keys(commands)) start(name);
  return {
    names: Object.keys(commands),
    said,
    async replace(name) {
      await end(name, "SIGKILL");
      start(name);
    },
    isRunning(name) {
      const child = processes.get(name);
      return child !== undefined && child.exitCode === null && child.signalCode === null;
    },
    signal: (name, signal) => void processes.get(name)?.kill(signal),
    async stop() {
      await Promise.all([...processes.keys()].map((name) => end(name, "SIGKILL")));
    },
  };
}
