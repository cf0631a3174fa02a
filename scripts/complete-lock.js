// `node scripts/complete-lock.js [folder]`: adds to package-lock.json the builds for other platforms that npm left out.
//
// Some registries mirror only the builds of some platforms. npm then writes a lock file without the others, `npm ci` of
// npm 11 refuses it, and on those other platforms npm would install no native build at all. The exact version is known
// from the package that asks for it; the digest is not, and is left out. test/install.test.ts says when this is due.
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/** The optional packages that an entry of the lock file asks for in an exact version, and the lock file does not name. */
export function missingBuilds(packages) {
  const missing = [];
  for (const [place, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isResolved(packages, place, name)) missing.push({ name, version, dev: entry.dev === true });
    }
  }
  return missing;
}

/** Node's own search: beside the package, then in every folder above it. */
function isResolved(packages, place, name) {
  for (let folder = place; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    if (packages[`${folder === "" ? "" : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === "") return false;
  }
}

/** `@biomejs/cli-linux-x64-musl` names its platform; an entry without it would be installed everywhere. */
function platformOf(name) {
  const words = name.split(/[-/]/);
  const os = ["android", "darwin", "freebsd", "linux", "win32"].find((word) => words.includes(word));
  const cpu = ["arm64", "x64", "ia32", "arm"].find((word) => words.includes(word));
  if (os === undefined || cpu === undefined)
    throw new Error(`${name}: no platform in the name, add it by hand`);
  return {
    os: [os],
    cpu: [cpu],
    ...(os === "linux" && { libc: [words.includes("musl") ? "musl" : "glibc"] }),
  };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = path.join(process.argv[2] ?? ".", "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8"));
  for (const { name, version, dev } of missingBuilds(lock.packages)) {
    if (!/^\d+\.\d+\.\d+/.test(version))
      throw new Error(`${name}: expected an exact version, received ${version}`);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...platformOf(name),
      ...(dev && { dev }),
      optional: true,
    };
    process.stdout.write(`added ${name} ${version}\n`);
  }
  const sorted = Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
}
