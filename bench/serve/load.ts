/** Load from a process of its own (autocannon), so that the client does not share a thread with what it measures. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

export interface LoadOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Sent with POST; GET when absent. */
  readonly body?: string | undefined;
  /** Requests per second of all connections together; as many as are answered when absent. */
  readonly rate?: number | undefined;
}

export interface Load {
  readonly requestsPerSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Requests without an answer, and answers that were no success. */
  readonly errors: number;
}

export async function fire({ url, connections, seconds, body, rate }: LoadOptions): Promise<Load> {
  const program = createRequire(import.meta.url).resolve("autocannon");
  const words = ["--json", "-c", String(connections), "-d", String(seconds)];
  if (rate !== undefined) words.push("-R", String(rate));
  if (body !== undefined) words.push("-m", "POST", "-H", "content-type=application/json", "-b", body);
  const child = spawn(process.execPath, [program, ...words, url], { stdio: ["ignore", "pipe", "pipe"] });
  const [output, complaints, [status]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ]);
  if (status !== 0) throw new Error(`autocannon ended with status ${status}: ${complaints.slice(-500)}`);
  const { requests, latency, errors, timeouts, non2xx } = JSON.parse(output);
  return {
    requestsPerSecond: requests.average,
    p50: latency.p50,
    p99: latency.p99,
    errors: errors + timeouts + non2xx,
  };
}
