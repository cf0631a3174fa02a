/**
 * An S3-compatible service for tests, in memory. It checks every signature by itself (Signature Version 4, written from the
 * specification and not from the client's library), the digest of every payload, and the clock; and it can break on request.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface S3ServerOptions {
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly now: () => number;
  /** Keys in one page of a list. */
  readonly pageSize?: number;
}

interface StoredObject {
  body: Buffer;
  modifiedAt: number;
}

interface Upload {
  readonly key: string;
  readonly parts: Map<number, Buffer>;
}

/** What may go wrong next: an answer, or a connection that ends after so many bytes of a body. */
export type Fault = { readonly status: number; readonly code: string } | { readonly cutAfter: number };

class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export async function startS3Server(options: S3ServerOptions) {
  const objects = new Map<string, StoredObject>();
  const uploads = new Map<string, Upload>();
  /** Every request that was accepted, as `METHOD key?query`. */
  const log: string[] = [];
  /** Taken from the front by requests that `when` accepts. */
  const faults: { readonly when: (request: string) => boolean; readonly fault: Fault }[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await buffer(request);
    const url = new URL(request.url ?? "/", "http://host");
    const key = decodeURIComponent(url.pathname).slice(options.bucket.length + 2);
    const line = `${request.method} ${key}${url.search}`;
    const at = faults.findIndex(({ when }) => when(line));
    const fault = at < 0 ? undefined : faults.splice(at, 1)[0].fault;
    if (fault && "status" in fault) throw new Refusal(fault.status, fault.code);
    authorise(request, body, options);
    if (url.pathname.split("/")[1] !== options.bucket) throw new Refusal(404, "NoSuchBucket");
    log.push(line);
    const send = (status: number, text: string | Buffer = "", headers: Record<string, string> = {}) => {
      const bytes = Buffer.from(text);
      response.writeHead(status, { "content-length": String(bytes.byteLength), ...headers });
      if (request.method === "HEAD") return response.end();
      if (fault && "cutAfter" in fault) {
        return response.write(bytes.subarray(0, fault.cutAfter), () => request.socket.resetAndDestroy());
      }
      return response.end(bytes);
    };
    const query = url.searchParams;
    const upload = uploads.get(query.get("uploadId") ?? "");
    if (query.has("uploadId") && (upload === undefined || upload.key !== key))
      throw new Refusal(404, "NoSuchUpload");

    if (request.method === "POST" && query.has("uploads")) {
      const id = `upload-${uploads.size + 1}`;
      uploads.set(id, { key, parts: new Map() });
      return send(
        200,
        `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (request.method === "GET" && query.has("uploads")) {
      const items = [...uploads].filter(([, one]) => one.key.startsWith(query.get("prefix") ?? ""));
      const xml = items.map(
        ([id, one]) => `<Upload><Key>${one.key}</Key><UploadId>${id}</UploadId></Upload>`,
      );
      return send(200, `<ListMultipartUploadsResult>${xml.join("")}</ListMultipartUploadsResult>`);
    }
    if (upload !== undefined && request.method === "PUT") {
      upload.parts.set(Number(query.get("partNumber")), body);
      return send(200, "", { etag: `"${md5(body)}"` });
    }
    if (upload !== undefined && request.method === "GET") {
      const xml = [...upload.parts].map(
        ([number, part]) =>
          `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${md5(part)}&quot;</ETag><Size>${part.byteLength}</Size></Part>`,
      );
      return send(200, `<ListPartsResult><IsTruncated>false</IsTruncated>${xml.join("")}</ListPartsResult>`);
    }
    if (upload !== undefined && request.method === "POST") {
      const wanted = [...String(body).matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>"(\w+)"<\/ETag>/g)];
      const parts = wanted.map(([, number, tag]) => {
        const part = upload.parts.get(Number(number));
        if (part === undefined || md5(part) !== tag) throw new Refusal(400, "InvalidPart");
        return part;
      });
      objects.set(key, { body: Buffer.concat(parts), modifiedAt: options.now() });
      uploads.delete(query.get("uploadId") ?? "");
      return send(200, "<CompleteMultipartUploadResult/>");
    }
    if (upload !== undefined && request.method === "DELETE") {
      uploads.delete(query.get("uploadId") ?? "");
      return send(204);
    }
    if (request.method === "GET" && key === "")
      return send(200, listOf(objects, query, options.pageSize ?? 1000));
    if (request.method === "PUT") {
      objects.set(key, { body, modifiedAt: options.now() });
      return send(200, "", { etag: `"${md5(body)}"` });
    }
    if (request.method === "DELETE") {
      objects.delete(key);
      return send(204);
    }
    const found = objects.get(key);
    if (found === undefined) throw new Refusal(404, "NoSuchKey");
    const from = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    if (from === undefined) return send(200, found.body);
    if (Number(from) >= found.body.byteLength) throw new Refusal(416, "InvalidRange");
    return send(206, found.body.subarray(Number(from)));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      const { status, code, message } =
        error instanceof Refusal ? error : new Refusal(500, "InternalError", String(error));
      const xml = `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
      response.writeHead(status, { "content-length": String(Buffer.byteLength(xml)) });
      response.end(request.method === "HEAD" ? undefined : xml);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    uploads,
    log,
    faults,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @throws Refusal as S3 words it, when the request was not signed with the secret, or is not what was signed */
function authorise(request: IncomingMessage, body: Buffer, options: S3ServerOptions): void {
  const header = request.headers.authorization ?? "";
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (!parts) throw new Refusal(403, "AccessDenied");
  const [, accessKeyId, day, region, signedHeaders, signature] = parts;
  if (accessKeyId !== options.accessKeyId) throw new Refusal(403, "InvalidAccessKeyId");
  if (region !== options.region) throw new Refusal(400, "AuthorizationHeaderMalformed");
  const names = signedHeaders.split(";");
  for (const needed of ["host", "x-amz-date", "x-amz-content-sha256"])
    if (!names.includes(needed)) throw new Refusal(403, "AccessDenied", `${needed} is not signed`);
  const date = String(request.headers["x-amz-date"]);
  const time = Date.parse(date.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, "$1-$2-$3T$4:$5:$6Z"));
  if (date.slice(0, 8) !== day || !(Math.abs(options.now() - time) <= 15 * 60_000))
    throw new Refusal(403, "RequestTimeTooSkewed");
  const declared = String(request.headers["x-amz-content-sha256"]);
  const received = createHash("sha256").update(body).digest("hex");
  if (declared !== received) throw new Refusal(400, "XAmzContentSHA256Mismatch");

  const [path, search = ""] = (request.url ?? "").split("?");
  const query =
    search === "" ? [] : search.split("&").map((pair) => (pair.includes("=") ? pair : `${pair}=`));
  const canonical = [
    request.method,
    path,
    query.sort().join("&"),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/\s+/g, " ")}`),
    "",
    signedHeaders,
    declared,
  ].join("\n");
  const scope = `${day}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", date, scope, createHash("sha256").update(canonical).digest("hex")].join(
    "\n",
  );
  const key = [day, region, "s3", "aws4_request"].reduce<Buffer | string>(
    (secret, part) => createHmac("sha256", secret).update(part).digest(),
    `AWS4${options.secretAccessKey}`,
  );
  const expected = createHmac("sha256", key).update(text).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature, "hex")))
    throw new Refusal(403, "SignatureDoesNotMatch");
}

function listOf(
  objects: ReadonlyMap<string, StoredObject>,
  query: URLSearchParams,
  pageSize: number,
): string {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? "";
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, Math.min(pageSize, Number(query.get("max-keys") ?? pageSize)));
  const items = page.map((key) => {
    const { body, modifiedAt } = objects.get(key) as StoredObject;
    return `<Contents><Key>${key}</Key><LastModified>${new Date(modifiedAt).toISOString()}</LastModified><Size>${body.byteLength}</Size></Contents>`;
  });
  const next = page.length > 0 && page.length < keys.length ? page[page.length - 1] : undefined;
  const more = next === undefined ? "" : `<NextContinuationToken>${next}</NextContinuationToken>`;
  return `<ListBucketResult>${items.join("")}<IsTruncated>${next !== undefined}</IsTruncated>${more}</ListBucketResult>`;
}

function md5(bytes: Buffer): string {
  return createHash("md5").update(bytes).digest("hex");
}
