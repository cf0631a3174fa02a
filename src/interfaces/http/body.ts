/** The JSON of a request. Our own reader, since Fastify's calls a key that it refuses "not valid JSON". */
import { PlatformError } from "../../base/index.ts";
import { messages } from "./messages.ts";

/** @throws PlatformError `INPUT_INVALID` for what is no JSON, and for keys that could reach an object's prototype */
export function readJsonBody(text: string): unknown {
  if (text.trim() === "") throw refused(messages.bodyExpected);
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (key === "__proto__" || (key === "constructor" && hasPrototype(value)))
        throw refused(messages.keyRefused(key));
      return value;
    });
  } catch (error) {
    if (error instanceof PlatformError) throw error;
    throw refused(messages.bodyNotJson((error as Error).message));
  }
}

function hasPrototype(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "prototype");
}

function refused(message: string): PlatformError {
  return new PlatformError("input", "INPUT_INVALID", message);
}
