/** Where the files of registered models lie, and what to do with unsigned ones, from the environment. */
import { z } from "zod";
import { PlatformError } from "../base/index.ts";
import type { PlatformOptions } from "../platform/local/index.ts";

export type ModelSettings = Pick<PlatformOptions, "unsigned" | "artifacts">;

const Unsigned = z.enum(["refuse", "warn"]);

/**
 * `FATHOM_UNSIGNED_MODELS` (`refuse`, or `warn` to load them all the same) and `FATHOM_ARTIFACTS`
 * (`s3://bucket/prefix`, with `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
 * `AWS_SESSION_TOKEN` as other tools read them; the data folder when it is absent).
 *
 * @throws PlatformError `INPUT_INVALID` naming the variable
 */
export function modelSettings(environment: Readonly<Record<string, string | undefined>>): ModelSettings {
  const given = environment["FATHOM_UNSIGNED_MODELS"] || "refuse";
  const unsigned = Unsigned.safeParse(given);
  if (!unsigned.success) throw invalid("FATHOM_UNSIGNED_MODELS", "refuse or warn", given);
  return { unsigned: unsigned.data, artifacts: artifactsOf(environment) };
}

function artifactsOf(environment: Readonly<Record<string, string | undefined>>): ModelSettings["artifacts"] {
  const address = environment["FATHOM_ARTIFACTS"];
  if (!address) return undefined;
  const [, bucket, prefix] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/?$/.exec(address) ?? [];
  if (bucket === undefined) throw invalid("FATHOM_ARTIFACTS", "s3://bucket or s3://bucket/prefix", address);
  const needed = (name: string) => {
    const value = environment[name];
    if (value) return value;
    throw invalid(name, "a value, since FATHOM_ARTIFACTS is set", undefined);
  };
  const region = environment["AWS_REGION"] || environment["AWS_DEFAULT_REGION"] || "us-east-1";
  return {
    endpoint: environment["AWS_ENDPOINT_URL"] || `https://s3.${region}.amazonaws.com`,
    bucket,
    region,
    prefix: prefix || undefined,
    accessKeyId: needed("AWS_ACCESS_KEY_ID"),
    secretAccessKey: needed("AWS_SECRET_ACCESS_KEY"),
    sessionToken: environment["AWS_SESSION_TOKEN"] || undefined,
  };
}

/** Never shows what might be a secret: only the variables that hold none pass their value. */
function invalid(name: string, expected: string, received: string | undefined): PlatformError {
  const shown = received === undefined ? "none" : JSON.stringify(received);
  return new PlatformError("input", "INPUT_INVALID", `${name}: expected ${expected}, received ${shown}`);
}
