/** Signed requests to an S3-compatible service, tried again when it may help, and its refusals in words. */
import { setTimeout as sleep } from "node:timers/promises";
import { AwsClient } from "aws4fetch";
import { type Clock, PlatformError, throwIfAborted } from "../../base/index.ts";
import { storeRefused, storeUnavailable } from "./failures.ts";

export interface S3Options {
  /** Such as `https://s3.eu-central-1.amazonaws.com` or `http://minio:9000`; the bucket is named in the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Put before every key: `models` makes `models/sha256/ab/...`. */
  readonly prefix?: string | undefined;
  /** Files larger than this are sent in parts of this size, and at most so much of a file is in memory. S3 accepts 5 MiB and more. */
  readonly partBytes?: number | undefined;
  readonly clock: Clock;
  /** Tries of one request before it is given up. */
  readonly attempts?: number | undefined;
  /** Wait before the second try; it doubles from try to try. */
  readonly waitMs?: number | undefined;
}

export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** SHA-256 of the body, which is signed, so that the service refuses other bytes. */
  readonly sha256?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Answers that are no failure beside 2xx, such as 404. */
  readonly accepted?: readonly number[];
}

export type S3Client = (request: S3Request) => Promise<Response>;

const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

export function s3Client(options: S3Options, place: string): S3Client {
  const { endpoint, bucket, region, accessKeyId, secretAccessKey, sessionToken, clock } = options;
  const { attempts = 5, waitMs = 100 } = options;
  const root = `${endpoint.replace(/\/+$/, "")}/${bucket}`;
  const aws = new AwsClient({
    accessKeyId,
    secretAccessKey,
    ...(sessionToken ? { sessionToken } : {}),
    service: "s3",
    region,
    retries: 0,
  });
  const once = async ({ method, key, query = {}, body, sha256, headers, signal }: S3Request) => {
    const url = `${root}${key === undefined ? "" : `/${key}`}${queryText(query)}`;
    const datetime = new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, "");
    return aws.fetch(url, {
      method,
      headers: { ...headers, "x-amz-content-sha256": sha256 ?? emptySha256 },
      aws: { datetime },
      ...(body === undefined ? {} : { body: body as string }),
      ...(signal ? { signal } : {}),
    });
  };
  return async (request) => {
    for (let attempt = 1; ; attempt++) {
      const isLast = attempt === attempts;
      try {
        const response = await once(request);
        if (response.ok || request.accepted?.includes(response.status)) return response;
        const failure = await failureOf(response, place);
        if (isLast || failure.code === "STORE_REFUSED") throw failure;
      } catch (error) {
        throwIfAborted(request.signal, place);
        if (error instanceof PlatformError) throw error;
        if (isLast) throw unreachable(place, error);
      }
      await sleep(
        waitMs * 2 ** (attempt - 1),
        undefined,
        request.signal ? { signal: request.signal } : {},
      ).catch(() => throwIfAborted(request.signal, place));
    }
  };
}

/** The text of an element of an answer, with its entities resolved; undefined when there is none. */
export function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescapeXml(text);
}

/** The insides of all elements of one name. */
export function elementsOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, "g"))].map(([, inner]) => inner);
}

/** The answer of a service that failed: its own code and words, which name what to correct. */
export async function failureOf(response: Response, place: string): Promise<PlatformError> {
  const text = await response.text().catch(() => "");
  const code = elementOf(text, "Code") ?? `status ${response.status}`;
  const hint = hints[code];
  const said = elementOf(text, "Message");
  const reason = `the store answered ${code}${said ? ` (${said})` : ""}${hint ? `: ${hint}` : ""}`;
  if (response.status >= 500 || response.status === 429) return storeUnavailable(place, reason);
  return storeRefused(place, reason);
}

/** What to look at first for the refusals that are a matter of configuration. */
const hints: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: "expected the secret key that belongs to the access key",
  InvalidAccessKeyId: "expected an access key that the store knows",
  AccessDenied: "expected keys that may read, write, list and remove in this bucket",
  NoSuchBucket: "expected a bucket that is there",
  RequestTimeTooSkewed: "expected a clock that is right to a quarter of an hour",
  AuthorizationHeaderMalformed: "expected the region of the bucket",
};

function unreachable(place: string, error: unknown): PlatformError {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  const reason = cause?.code ?? cause?.message ?? (error as Error).message;
  return storeUnavailable(place, `expected a store that answers, received ${reason}`, error);
}

function queryText(query: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(query).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  return pairs.length === 0 ? "" : `?${pairs.join("&")}`;
}

function unescapeXml(text: string): string {
  const characters: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => characters[name]);
}
