/** The documentation as resources, so that an agent can read what a person would. */
import { readdir, readFile } from "node:fs/promises";
import type { Resource } from "@modelcontextprotocol/sdk/types.js";

/** Beside `src` and `dist` alike. */
const folder = new URL("../../../docs/", import.meta.url);
const scheme = "fathom://docs/";
const mimeType = "text/markdown";

/** Every page of `docs/`. */
export async function listPages(): Promise<Resource[]> {
  const names = await pageNames();
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, folder), "utf8");
      return { uri: scheme + name, name, title: /^# (.+)$/m.exec(text)?.[1] ?? name, mimeType };
    }),
  );
}

/** A page by its address; undefined when it is none of the list, whatever else the address may lead to. */
export async function readPage(
  uri: string,
): Promise<{ uri: string; mimeType: string; text: string } | undefined> {
  const name = (await pageNames()).find((one) => uri === scheme + one);
  if (name === undefined) return undefined;
  return { uri, mimeType, text: await readFile(new URL(name, folder), "utf8") };
}

async function pageNames(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith(".md")).sort();
}
