/** The JSON of a request. Our own reader, since Fastify's calls a key that it refuses "not valid JSON". */
import { PlatformError } from "../../base/index.ts";
import { messages } from "./messages.ts";

/** @throws PlatformError `INPUT_INVALID` for what is no JSON, and for keys that could reach an object's prototype */
export function readJsonBody(text: string): unknown {
  if (isDeeperThan(text, deepest)) throw refused(messages.bodyTooDeep(deepest));
  if (text.trim() === "") throw refused(messages.bodyExpected);
  try {
    // The check of every key costs ten times the reading, and a refused key has to be written somewhere in the text.
    if (!/__proto__|constructor|\\u/.test(text)) return JSON.parse(text);
    return JSON.parse(text, (key, value: unknown) => {
      if (key === "__proto__" || (key === "constructor" && hasPrototype(value)))
        throw refused(messages.bodyKeyRefused(key));
      return value;
    });
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    throw refused(messages.bodyNotJson((error as Error).message));
  }
}

/** Far more than any schema of ours has, and far less than a stack holds. */
const deepest = 64;

/** Counted on the text, before anything recursive sees it. What is no JSON is left for the parser to say. */
function isDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === 0x5c) i++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      depth++;
      if (depth > limit) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}

function hasPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function refused(message: string): PlatformError {
  return new PlatformError("input", "INPUT_INVALID", message);
}
