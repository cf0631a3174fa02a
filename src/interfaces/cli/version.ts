import { readFileSync } from "node:fs";

/** The version in package.json, which lies above `src` and `dist` alike. */
export function packageVersion(): string {
  return readPackage().version;
}

/** The versions of Node that it asks for: `>=20.19`. */
export function wantedNode(): string {
  return readPackage().engines.node;
}

function readPackage(): { version: string; engines: { node: string } } {
  return JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
}
