import { createHash } from "node:crypto";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";

/** What the address of a Unix socket has room for on every system, without its final zero. */
const longestPath = 103;
/** PostgreSQL's own name for its socket, so that `psql -h <folder>` finds it. */
const name = ".s.PGSQL.5432";

/**
 * Where the embedded database of a folder is served: a socket in the folder; below the folder for temporary files when that
 * path would be too long; a named pipe on Windows.
 *
 * @param folder absolute
 * @returns the path, and the folder of its own that has to be made for it
 */
export function socketPath(folder: string): { readonly path: string; readonly privateFolder?: string } {
  const digest = createHash("sha256").update(folder).digest("hex").slice(0, 16);
  if (process.platform === "win32") return { path: `\\\\.\\pipe\\fathom-${digest}` };
  const path = join(folder, name);
  if (Buffer.byteLength(path) <= longestPath) return { path };
  const privateFolder = join(tmpdir(), `fathom-${userInfo().uid}-${digest}`);
  return { path: join(privateFolder, name), privateFolder };
}
