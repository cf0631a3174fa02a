/**
 * Blobs in an S3-compatible service: path-style addresses, Signature Version 4 with the payload's digest in it. Small files
 * are one request; larger ones are sent in parts, and an upload that broke off continues with the parts that are missing.
 *
 * @see "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API Reference
 */
import { createHash } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { PlatformError, throwIfAborted } from "../../base/index.ts";
import { corruptBlob, missingBlob, storeRefused, storeUnavailable } from "./failures.ts";
import { elementOf, elementsOf, type S3Client, type S3Options, s3Client } from "./s3-client.ts";
import { type Blob, type BlobStore, blobIn, blobPath, type StoreOptions } from "./store.ts";

const defaultPartBytes = 8 * 1024 * 1024;

export function s3Store(options: S3Options): BlobStore {
  const { bucket, prefix, partBytes = defaultPartBytes } = options;
  const place = `s3://${bucket}${prefix ? `/${prefix}` : ""}`;
  const client = s3Client(options, place);
  const keyOf = (sha256: string) => `${prefix ? `${prefix}/` : ""}${blobPath(sha256)}`;
  return {
    place,
    async size(sha256, { signal } = {}) {
      const response = await client({
        method: "HEAD",
        key: keyOf(sha256),
        signal,
        accepted: [404, 403, 400],
      });
      if (response.status === 404) return undefined;
      if (response.ok) return Number(response.headers.get("content-length"));
      // An answer to HEAD has no body; the same question as GET says what is wrong.
      await client({ method: "GET", query: { "list-type": "2", "max-keys": "0" }, signal });
      throw storeRefused(place, `the store answered status ${response.status}`);
    },

    async put(file, blob, { signal } = {}) {
      const key = keyOf(blob.sha256);
      if ((await this.size(blob.sha256, { signal })) === blob.bytes) return "present";
      if (blob.bytes <= partBytes) {
        const body = await readFile(file);
        refuseOther(file, blob, createHash("sha256").update(body).digest("hex"));
        await client({ method: "PUT", key, body, sha256: blob.sha256, signal });
      } else {
        await putInParts(client, { file, blob, key, partBytes, signal });
      }
      const stored = await this.size(blob.sha256, { signal });
      if (stored !== blob.bytes) throw corruptBlob(`${place}/${key}`, blob.sha256, `${stored ?? 0} bytes`);
      return "stored";
    },

    async *read(sha256, from, { signal } = {}) {
      const response = await client({
        method: "GET",
        key: keyOf(sha256),
        headers: from > 0 ? { range: `bytes=${from}-` } : {},
        signal,
        accepted: [404, 416],
      });
      if (response.status === 404) throw await notFound(response, place, sha256);
      if (response.status === 416) return; // nothing is left from there on
      if (from > 0 && response.status !== 206)
        throw storeRefused(place, `expected a part of the file (status 206), received ${response.status}`);
      try {
        yield* response.body as unknown as AsyncIterable<Uint8Array>;
      } catch (error) {
        throwIfAborted(signal, place);
        throw storeUnavailable(place, "the connection broke before the file was whole", error);
      }
    },

    async *list({ signal } = {}) {
      const start = `${prefix ? `${prefix}/` : ""}sha256/`;
      for (let token: string | undefined = ""; token !== undefined; ) {
        const query: Record<string, string> = { "list-type": "2", prefix: start };
        if (token !== "") query["continuation-token"] = token;
        const xml: string = await (await client({ method: "GET", query, signal })).text();
        for (const item of elementsOf(xml, "Contents")) {
          const sha256 = blobIn(elementOf(item, "Key") ?? "");
          if (sha256 === undefined) continue;
          const modifiedAt = Date.parse(elementOf(item, "LastModified") ?? "");
          yield { sha256, bytes: Number(elementOf(item, "Size")), modifiedAt };
        }
        token = elementOf(xml, "NextContinuationToken");
      }
    },

    async remove(sha256, { signal } = {}) {
      await client({ method: "DELETE", key: keyOf(sha256), signal, accepted: [404] });
    },
  };
}

interface PartsUpload extends StoreOptions {
  readonly file: string;
  readonly blob: Blob;
  readonly key: string;
  readonly partBytes: number;
}

/** Sends a file in parts; the whole digest is checked on the way, before the parts become an object. */
async function putInParts(client: S3Client, upload: PartsUpload): Promise<void> {
  const { file, blob, key, partBytes, signal } = upload;
  const { uploadId, present } = await continueOrBegin(client, upload);
  const hash = createHash("sha256");
  const tags: string[] = [];
  const handle = await open(file, "r");
  try {
    for (let number = 1, from = 0; from < blob.bytes; number++, from += partBytes) {
      const body = Buffer.alloc(Math.min(partBytes, blob.bytes - from));
      const { bytesRead } = await handle.read(body, 0, body.byteLength, from);
      if (bytesRead < body.byteLength) throw corruptBlob(file, blob.sha256, `${from + bytesRead} bytes`);
      hash.update(body);
      const md5 = createHash("md5").update(body).digest("hex"); // what S3 names an unencrypted part by
      if (present.get(number) === md5) {
        tags.push(`"${md5}"`);
        continue;
      }
      const query = { partNumber: String(number), uploadId };
      const sha256 = createHash("sha256").update(body).digest("hex");
      const response = await client({ method: "PUT", key, query, body, sha256, signal });
      tags.push(response.headers.get("etag") ?? "");
    }
    refuseOther(file, blob, hash.digest("hex"));
  } catch (error) {
    // Parts of another file are of no use to anybody; those of a broken connection are, for the next try.
    if (error instanceof PlatformError && error.code === "ARTIFACT_CORRUPT")
      await client({ method: "DELETE", key, query: { uploadId }, accepted: [404] });
    throw error;
  } finally {
    await handle.close();
  }
  const parts = tags.map((tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
  const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
  const sha256 = createHash("sha256").update(body).digest("hex");
  const response = await client({ method: "POST", key, query: { uploadId }, body, sha256, signal });
  const xml = await response.text();
  // S3 answers 200 before it has put the parts together, and may still fail.
  if (xml.includes("<Error>"))
    throw storeUnavailable(
      key,
      `the store answered ${elementOf(xml, "Code")} (${elementOf(xml, "Message")})`,
    );
}

/** The upload of this key that broke off, with the MD5 of the parts that arrived; else a new one. */
async function continueOrBegin(
  client: S3Client,
  { key, signal }: PartsUpload,
): Promise<{ uploadId: string; present: ReadonlyMap<number, string> }> {
  const listed = await client({ method: "GET", query: { uploads: "", prefix: key }, signal });
  const open = elementsOf(await listed.text(), "Upload").find((item) => elementOf(item, "Key") === key);
  const uploadId = open && elementOf(open, "UploadId");
  if (uploadId !== undefined) {
    const present = new Map<number, string>();
    for (let marker: string | undefined = "0"; marker !== undefined; ) {
      const query = { uploadId, "part-number-marker": marker };
      const response = await client({ method: "GET", key, query, signal, accepted: [404] });
      if (response.status === 404) return begin(client, key, signal); // completed or given up by another just now
      const xml = await response.text();
      for (const part of elementsOf(xml, "Part"))
        present.set(
          Number(elementOf(part, "PartNumber")),
          (elementOf(part, "ETag") ?? "").replaceAll('"', ""),
        );
      marker = elementOf(xml, "IsTruncated") === "true" ? elementOf(xml, "NextPartNumberMarker") : undefined;
    }
    return { uploadId, present };
  }
  return begin(client, key, signal);
}

async function begin(client: S3Client, key: string, signal: AbortSignal | undefined) {
  const response = await client({ method: "POST", key, query: { uploads: "" }, signal });
  const uploadId = elementOf(await response.text(), "UploadId");
  if (uploadId === undefined) throw storeUnavailable(key, "expected the id of an upload, received none");
  return { uploadId, present: new Map<number, string>() };
}

function refuseOther(file: string, blob: Blob, received: string): void {
  if (received !== blob.sha256) throw corruptBlob(file, blob.sha256, `${received.slice(0, 12)}...`);
}

async function notFound(response: Response, place: string, sha256: string): Promise<PlatformError> {
  const code = elementOf(await response.text(), "Code");
  return code === "NoSuchBucket"
    ? storeRefused(place, "the store answered NoSuchBucket: expected a bucket that is there")
    : missingBlob(place, sha256);
}
