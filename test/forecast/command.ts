/** Runs the built command as a user does: a process of its own, with its own data folder. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";

export const root = path.resolve(import.meta.dirname, "../..");
export const shared = process.env["FATHOM_SHARED"] ?? path.resolve(root, "../shared");
export const dataOf = (file: string) => path.join(shared, "data", file);

/** Whether a file of the shared data is there; says why a test is skipped when it is not. */
export function has(file: string): boolean {
  if (existsSync(dataOf(file))) return true;
  console.log(`skipped: ${dataOf(file)} is not there`);
  return false;
}

export interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function fathom(
  folder: string,
  args: readonly string[],
  options: {
    readonly interruptWhen?: RegExp;
    /** What stands on standard input. */
    readonly text?: string;
  } = {},
): Promise<Ended> {
  const child = spawn(process.execPath, [path.join(root, "bin/fathom.js"), ...args], {
    cwd: folder,
    env: { ...process.env, FATHOM_DATA_FOLDER: path.join(folder, "data") },
  });
  child.stdin.end(options.text ?? "");
  let [stdout, stderr, interrupted] = ["", "", false];
  child.stdout.on("data", (text) => {
    stdout += text;
  });
  child.stderr.on("data", (text) => {
    stderr += text;
    if (!interrupted && options.interruptWhen?.test(stderr)) {
      interrupted = true;
      child.kill("SIGINT");
    }
  });
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, stdout, stderr })));
}
