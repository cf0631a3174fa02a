// The set-up that `npm start`, `npm test` and `npm run bench` share: what the lock file names is installed, and dist/ is
// built from src/ as it is now. Both are checked by content, so that the usual case costs a few milliseconds. This runs
// before anything is installed, and so imports nothing but Node.
import "./node-version.js";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");

/** Installs and builds what is missing or out of date. Ends the process with the failing tool's status. */
export async function setUp() {
  await install(root);
  if (!isBuilt()) await build();
}

/** Brings `folder/node_modules` to what `folder/package-lock.json` names. */
export async function install(folder) {
  if (isInstalled(folder)) return;
  const where = path.relative(root, folder) || "the project";
  say(
    `installing the packages that ${path.join(path.relative(root, folder), "package-lock.json")} names (once)`,
  );
  const flags = ["ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  const status = await runTool(npm(), flags, folder);
  if (status !== 0)
    fail(status, "INSTALL_FAILED", `npm ci in ${where} ended with status ${status}, see its message above`);
}

/** Whether every package of the lock file is there in its version; optional ones may be absent. */
export function isInstalled(folder) {
  const wanted = readPackages(path.join(folder, "package-lock.json"));
  const present = readPackages(path.join(folder, "node_modules", ".package-lock.json"));
  if (wanted === null || present === null) return false;
  return Object.entries(wanted).every(([place, entry]) => {
    if (place === "") return true;
    const found = present[place];
    if (found === undefined) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
}

/** What the program reads when it runs and the compiler does not carry over. */
const readAtRunTime = ["platform/state/migrations"];

/** Compiles src/ into a fresh dist/, which takes the old one's place only when the compiler is content. */
export async function build() {
  say("building dist/ from src/");
  const stamp = fingerprint();
  const closed = mkdtempSync(path.join(root, ".dist-"));
  const staging = path.join(closed, "dist"); // made by the compiler, and so readable for whoever may read its files
  let status;
  try {
    const compiler = path.join(root, "node_modules", "typescript", "bin", "tsc");
    const flags = [compiler, "-p", "tsconfig.build.json", "--outDir", staging, "--noEmitOnError"];
    status = await runTool(process.execPath, flags, root);
    if (status === 0) {
      for (const folder of readAtRunTime)
        cpSync(path.join(root, "src", folder), path.join(staging, folder), { recursive: true });
      // The compiler made declarations of its own from JavaScript that has better ones.
      for (const name of readdirSync(path.join(root, "src"), { recursive: true }))
        if (name.endsWith(".d.ts")) cpSync(path.join(root, "src", name), path.join(staging, name));
      writeFileSync(path.join(staging, ".stamp"), stamp);
      const dist = path.join(root, "dist");
      rmSync(dist, { recursive: true, force: true });
      moveFolder(staging, dist);
    }
  } finally {
    rmSync(closed, { recursive: true, force: true });
  }
  // Only now, since it ends the process before anything could be cleaned up.
  if (status !== 0)
    fail(status, "BUILD_FAILED", `the compiler ended with status ${status}, see its message above`);
}

/** Whether dist/ was built from src/ as it is now. */
export function isBuilt() {
  const stamp = path.join(root, "dist", ".stamp");
  return existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint();
}

/** Prints one line of progress on standard error, so that standard output stays the program's own. */
export function say(line) {
  process.stderr.write(`fathom: ${line}\n`);
}

/** Ends the process with one line, as the command line does. */
export function fail(status, code, message) {
  const interrupted = status > 128; // 128 and the number of a signal
  process.stderr.write(
    interrupted ? "error INTERRUPTED: the set-up was stopped\n" : `error ${code}: ${message}\n`,
  );
  process.exit(interrupted ? status : 5);
}

/** Digest of everything that decides what the compiler emits. Tests are not compiled, and so do not count. */
function fingerprint() {
  const hash = createHash("sha256");
  const add = (file) =>
    hash
      .update(`${path.relative(root, file)}\0`)
      .update(readFileSync(file))
      .update("\0");
  for (const name of ["package.json", "tsconfig.json", "tsconfig.build.json"]) add(path.join(root, name));
  for (const file of filesBelow(path.join(root, "src"))) if (!/\.test\.ts$/.test(file)) add(file);
  return hash.digest("hex");
}

function filesBelow(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const place = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(place) : [place];
  });
}

function moveFolder(from, to) {
  try {
    renameSync(from, to);
  } catch {
    cpSync(from, to, { recursive: true }); // Windows holds a lock on fresh files for a moment
  }
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages;
  } catch {
    return null; // absent or half-written: the same as not installed
  }
}

/** npm of the same installation when npm runs us, else the one on the path. */
function npm() {
  return process.env.npm_execpath?.endsWith(".js")
    ? process.env.npm_execpath
    : process.platform === "win32"
      ? "npm.cmd"
      : "npm";
}

/**
 * Runs a tool with its output on our standard error and answers its exit status. A signal is passed on, and ends us when
 * the tool has ended: both tools bear to hear of a Ctrl-C twice, once from the terminal and once from us.
 */
function runTool(command, flags, folder) {
  const [program, prefix] = command.endsWith(".js") ? [process.execPath, [command]] : [command, []];
  // Read by onnxruntime-node's install script, should a user's own setting let install scripts run (docs/install.md).
  const env = { ONNXRUNTIME_NODE_INSTALL: "skip", ...process.env };
  const child = spawn(program, [...prefix, ...flags], {
    cwd: folder,
    env,
    stdio: ["ignore", 2, 2],
    shell: program.endsWith(".cmd"),
  });
  let received = null;
  const pass = (signal) => {
    received = signal;
    child.kill(signal);
  };
  process.on("SIGINT", pass).on("SIGTERM", pass);
  return new Promise((resolve) => {
    child.on("error", (error) => fail(1, "TOOL_MISSING", `cannot run ${program}: ${error.message}`));
    child.on("close", (status, signal) => {
      process.off("SIGINT", pass).off("SIGTERM", pass);
      resolve(statusAfter(status, received || signal));
    });
  });
}

/** The shell's convention: 128 and the number of the signal. */
function statusAfter(status, signal) {
  return signal ? 128 + os.constants.signals[signal] : status === null ? 1 : status;
}
