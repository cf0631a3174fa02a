/** Requests that are wrong in every way: fields against the schemas, JSON that is none, and bytes that are no HTTP. */
import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import type { FastifyInstance } from "fastify";
import type { Capability } from "../../src/base/index.ts";
import { alternatives, type JsonSchema, jsonSchemaOf, typesOf } from "../../src/interfaces/schema.ts";

export interface MalformedResult {
  /** How often each status was answered. */
  readonly statuses: Readonly<Record<number, number>>;
  /** Bodies of requests that were answered otherwise than with success, a refusal or 503. */
  readonly wrong: readonly string[];
  /** Connections of raw bytes, and how many of them were answered with a status before they were closed. */
  readonly connections: number;
  readonly answered: number;
  readonly isAlive: boolean;
}

/** @param requests half of them on schemas, a quarter of any JSON and text, a quarter of raw bytes */
export async function sendMalformed(
  app: FastifyInstance,
  address: string,
  { capabilities, requests, seed }: { capabilities: readonly Capability[]; requests: number; seed: number },
): Promise<MalformedResult> {
  const statuses: Record<number, number> = {};
  const wrong: string[] = [];
  const inject = async (url: string, payload: string, headers: Record<string, string>) => {
    const response = await app.inject({ method: "POST", url, payload, headers });
    const status = response.statusCode;
    statuses[status] = (statuses[status] ?? 0) + 1;
    const isFine = status < 300 || (status >= 400 && status < 500) || status === 503;
    if (!isFine) wrong.push(`${url} ${payload.slice(0, 300)} -> ${status} ${response.body.slice(0, 300)}`);
  };
  const json = { "content-type": "application/json" };
  const routes = capabilities.map(({ name, input }) => {
    const [service, action] = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).split(".");
    return { url: `/v1/${service}/${action}`, body: near(jsonSchemaOf(input)) };
  });
  const nearRequest = fc.oneof(
    ...routes.map(({ url, body }) => body.map((value) => ({ url, payload: JSON.stringify(value) }))),
  );
  const url = fc.oneof(
    fc.constantFrom(...routes.map((route) => route.url), "/v1/tasks", "/openapi.json"),
    fc.webPath().map((path) => `/${path}`),
  );
  const text = fc.oneof(
    fc.json(),
    fc.string({ unit: "binary" }),
    fc.json().map((one) => one.slice(0, -1)),
    fc.constantFrom(
      "",
      "null",
      "[]",
      '{"__proto__":{}}',
      '{"a":'.repeat(2_000),
      `[${"[".repeat(20_000)}`,
      '{"text":"\\u0000"}',
    ),
  );
  const header = fc.constantFrom<Record<string, string>>(
    json,
    { "content-type": "text/plain" },
    {},
    {
      ...json,
      "idempotency-key": "k".repeat(300),
    },
  );
  const options = { seed, numRuns: Math.floor(requests / 2) };
  await fc.assert(
    fc.asyncProperty(nearRequest, (one) => inject(one.url, one.payload ?? "", json)),
    options,
  );
  const quarter = { seed, numRuns: Math.floor(requests / 4) };
  await fc.assert(fc.asyncProperty(url, text, header, inject), quarter);

  let answered = 0;
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 600 }).map((one) => Buffer.from(one)),
    fc
      .tuple(fc.string(), fc.uint8Array({ maxLength: 200 }))
      .map(([start, rest]) =>
        Buffer.concat([
          Buffer.from(`POST /v1/toy/echo HTTP/1.1\r\nhost: a\r\n${start}\r\n`),
          Buffer.from(rest),
        ]),
      ),
    fc.constantFrom(
      Buffer.from("POST /v1/toy/echo HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n"),
      Buffer.from(
        "POST /v1/toy/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\nhello",
      ),
      Buffer.from(`GET /${"a".repeat(70_000)} HTTP/1.1\r\nhost: a\r\n\r\n`),
      Buffer.from("\u0016\u0003\u0001\u0002\u0000"),
    ),
  );
  const { hostname, port } = new URL(address);
  await fc.assert(
    fc.asyncProperty(bytes, async (sent) => {
      const got = await exchange({ host: hostname, port: Number(port) }, sent);
      if (/^HTTP\/1\.1 [245]\d\d/.test(got)) answered++;
      if (/^HTTP\/1\.1 500/.test(got))
        wrong.push(`${sent.toString("latin1").slice(0, 200)} -> ${got.slice(0, 300)}`);
    }),
    quarter,
  );
  const isAlive = (await fetch(`${address}/healthz`)).ok;
  return { statuses, wrong, connections: quarter.numRuns, answered, isAlive };
}

/** Sends bytes, says that no more will come, and reads to the end. */
async function exchange(place: { host: string; port: number }, bytes: Buffer): Promise<string> {
  const socket = connect(place);
  socket.on("error", () => {}); // a server that resets the connection has answered too
  let got = "";
  socket.setEncoding("latin1").on("data", (part: string) => {
    got += part;
  });
  socket.end(bytes);
  await once(socket, "close");
  return got;
}

/** Values near a schema: most fields as they should be, some missing, of another type, at the edge or unknown. */
function near(schema: JsonSchema, root = schema, depth = 0): fc.Arbitrary<unknown> {
  const any = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      true,
      -1,
      0,
      1e308,
      0.5,
      "",
      "\u0000",
      "../x",
      "/etc/passwd",
      [],
      {},
      "NaN",
    ),
    fc.jsonValue({ maxDepth: 2 }),
  );
  if (depth > 4) return any;
  const values = alternatives(schema, root).map((one) => fitting(one, root, depth));
  return fc.oneof({ weight: 3, arbitrary: fc.oneof(...values) }, { weight: 1, arbitrary: any });
}

function fitting(schema: JsonSchema, root: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const { minimum = -1000, maximum = 1000 } = schema;
  switch (typesOf(schema)[0]) {
    case "object": {
      const fields = Object.entries(schema.properties ?? {}).map(
        ([name, field]) => [name, near(field, root, depth + 1)] as const,
      );
      const known = fc.record(Object.fromEntries(fields), {
        requiredKeys: [...(schema.required ?? [])] as never[],
      });
      const odd = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 }), { maxKeys: 2 });
      return fc.oneof(
        { weight: 4, arbitrary: known },
        { weight: 1, arbitrary: fc.tuple(known, odd).map(([a, b]) => ({ ...a, ...b })) },
      );
    }
    case "array":
      return fc.array(near(schema.items ?? {}, root, depth + 1), { maxLength: 3 });
    case "integer":
      return fc.integer({ min: Math.max(-1e6, minimum), max: Math.max(minimum, Math.min(1e6, maximum)) });
    case "number":
      return fc.double({ noNaN: true, min: -1e6, max: 1e6 });
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default:
      return fc.string({ unit: "grapheme", maxLength: 20 });
  }
}
