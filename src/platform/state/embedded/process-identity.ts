/** Whether the process that wrote something still lives: its number alone does not tell, since numbers are used again. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * When a process of this machine started, in words that only equal themselves; null where the system does not say, undefined
 * when there is no such process.
 */
export async function processStart(pid: number): Promise<string | null | undefined> {
  if (!exists(pid)) return undefined;
  if (process.platform === "linux") {
    try {
      const stat = await readFile(`/proc/${pid}/stat`, "utf8");
      const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
      // The name, in parentheses, may hold anything; the start time is the 22nd field, the state after the name the third.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return fields[0] === "Z" ? undefined : `${boot.trim()}:${fields[19]}`;
    } catch {
      return exists(pid) ? null : undefined; // ended meanwhile, or a system without /proc
    }
  }
  if (process.platform === "win32") return null;
  return await promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]).then(
    ({ stdout }) => stdout.trim() || undefined,
    () => (exists(pid) ? null : undefined),
  );
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // it is there, and somebody else's
  }
}
