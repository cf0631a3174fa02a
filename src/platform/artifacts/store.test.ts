import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AwsClient } from "aws4fetch";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type BlobStore, download, folderStore, type S3Options, s3Store } from "./index.ts";
import { blobIn, blobPath } from "./store.ts";
import { startS3Server } from "./testing/s3-server.ts";

const partBytes = 1000;
const account = {
  bucket: "models",
  region: "eu-central-1",
  accessKeyId: "ID",
  secretAccessKey: "secret/+ key",
};
const clock = { now: () => Date.UTC(2026, 2, 4, 5, 6, 7), elapsed: () => 0 };

let folder: string;
let server: Awaited<ReturnType<typeof startS3Server>>;
beforeAll(async () => {
  server = await startS3Server({ ...account, now: clock.now, pageSize: 3 });
});
afterAll(() => server.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fathom-store-"));
  server.objects.clear();
  server.uploads.clear();
  server.faults.length = 0;
  server.log.length = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const s3 = (changed: Partial<S3Options> = {}) =>
  s3Store({ ...account, endpoint: server.endpoint, prefix: "a b", partBytes, clock, waitMs: 1, ...changed });

/** A file of bytes that differ from place to place, and its digest. */
async function fileOf(bytes: number, name = `file-${bytes}`) {
  const content = Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8)) % 251));
  const file = join(folder, name);
  await writeFile(file, content);
  return { file, content, blob: { sha256: createHash("sha256").update(content).digest("hex"), bytes } };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const drivers: { name: string; make: () => BlobStore; spoil: (sha256: string) => Promise<void> }[] = [
  {
    name: "a folder",
    make: () => folderStore(join(folder, "store")),
    spoil: (sha256) => writeFile(join(folder, "store", blobPath(sha256)), "x".repeat(3)),
  },
  {
    name: "an S3-compatible service",
    make: s3,
    spoil: async (sha256) => {
      server.objects.set(`a b/${blobPath(sha256)}`, { body: Buffer.from("xxx"), modifiedAt: 0 });
    },
  },
];

describe.each(drivers)("a store in $name", ({ make, spoil }) => {
  test.each([0, 1, partBytes, partBytes + 1, 5 * partBytes, 5 * partBytes + 7])(
    "gives back the %i bytes that it was given",
    async (bytes) => {
      const store = make();
      const { file, content, blob } = await fileOf(bytes);
      expect(await store.size(blob.sha256)).toBeUndefined();
      expect(await store.put(file, blob)).toBe("stored");
      expect(await store.size(blob.sha256)).toBe(bytes);
      expect(await store.put(file, blob)).toBe("present");
      await download(store, blob, join(folder, "back"));
      expect(await readFile(join(folder, "back"))).toEqual(content);
      expect((await readdir(folder)).filter((name) => name.includes("part"))).toEqual([]);
    },
  );

  test("lists what it has, over several pages, and forgets what is removed", async () => {
    const store = make();
    const blobs = [];
    for (let bytes = 10; bytes < 18; bytes++) {
      const { file, blob } = await fileOf(bytes);
      await store.put(file, blob);
      blobs.push(blob);
    }
    const listed = await all(store.list());
    expect(listed.map(({ sha256 }) => sha256).sort()).toEqual(blobs.map(({ sha256 }) => sha256).sort());
    expect(listed.every(({ modifiedAt }) => modifiedAt > Date.UTC(2026, 0, 1))).toBe(true);
    await store.remove(blobs[0].sha256);
    await store.remove(blobs[0].sha256);
    expect(await all(store.list())).toHaveLength(7);
    await expect(download(store, blobs[0], join(folder, "x"))).rejects.toMatchObject({
      code: "ARTIFACT_MISSING",
    });
  });

  test("is empty before it is written to", async () => expect(await all(make().list())).toEqual([]));

  test("refuses a file that is not what its digest says, and stores nothing", async () => {
    const store = make();
    for (const bytes of [100, 2 * partBytes + 1]) {
      const { file, blob, content } = await fileOf(bytes);
      content[bytes - 1] ^= 1;
      await writeFile(file, content);
      await expect(store.put(file, blob)).rejects.toMatchObject({ code: "ARTIFACT_CORRUPT" });
      expect(await store.size(blob.sha256)).toBeUndefined();
    }
    expect(await all(store.list())).toEqual([]);
    expect(server.uploads.size).toBe(0);
  });

  test("notices that what it stored was changed, leaves no file, and is healed by the next put", async () => {
    const store = make();
    const { file, blob, content } = await fileOf(500);
    await store.put(file, blob);
    await spoil(blob.sha256);
    await expect(download(store, blob, join(folder, "back"))).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
    });
    expect((await readdir(folder)).filter((name) => name.startsWith("back"))).toEqual([]);
    expect(await store.put(file, blob)).toBe("stored");
    await download(store, blob, join(folder, "back"));
    expect(await readFile(join(folder, "back"))).toEqual(content);
  });

  test("continues with the bytes that came before a download broke off", async () => {
    const store = make();
    const { file, blob, content } = await fileOf(5000);
    await store.put(file, blob);
    await writeFile(join(folder, "back.part"), content.subarray(0, 3210));
    const asked: number[] = [];
    const watched: BlobStore = {
      ...store,
      read(sha256, from, options) {
        asked.push(from);
        return store.read(sha256, from, options);
      },
    };
    await download(watched, blob, join(folder, "back"));
    expect(asked).toEqual([3210]);
    expect(await readFile(join(folder, "back"))).toEqual(content);
  });

  test("does not believe in the part of another file", async () => {
    const store = make();
    const { file, blob } = await fileOf(5000);
    await store.put(file, blob);
    await writeFile(join(folder, "back.part"), "something else");
    await expect(download(store, blob, join(folder, "back"))).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
    });
    await download(store, blob, join(folder, "back")); // what was wrong is gone
  });

  test("stores a file once when several put it at a time", async () => {
    const store = make();
    const { file, blob, content } = await fileOf(300);
    await Promise.all(Array.from({ length: 5 }, () => store.put(file, blob)));
    await download(store, blob, join(folder, "back"));
    expect(await readFile(join(folder, "back"))).toEqual(content);
    expect(await all(store.list())).toHaveLength(1);
  });

  test("stops when it is told to", async () => {
    const { file, blob } = await fileOf(300);
    const store = make();
    await store.put(file, blob);
    const signal = AbortSignal.abort();
    await expect(download(store, blob, join(folder, "x"), { signal })).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });
});

describe("an S3-compatible service", () => {
  test.each([
    [
      { secretAccessKey: "wrong" },
      /SignatureDoesNotMatch.*expected the secret key that belongs to the access key/,
    ],
    [{ accessKeyId: "other" }, /InvalidAccessKeyId/],
    [{ bucket: "nothing" }, /NoSuchBucket.*expected a bucket that is there/],
    [{ region: "us-east-1" }, /AuthorizationHeaderMalformed.*region/],
    [{ clock: { ...clock, now: () => clock.now() + 3_600_000 } }, /RequestTimeTooSkewed/],
  ])("refuses %j in its own words", async (changed, message) => {
    const { file, blob } = await fileOf(10);
    await expect(s3(changed).put(file, blob)).rejects.toMatchObject({
      code: "STORE_REFUSED",
      message: expect.stringMatching(message),
    });
    expect(server.objects.size).toBe(0);
  });

  test("of the test refuses what was not signed: another body, another key, another signature", async () => {
    const sha256 = createHash("sha256").update("one").digest("hex");
    const aws = new AwsClient({ ...account, service: "s3" });
    const datetime = new Date(clock.now()).toISOString().replace(/[:-]|\.\d{3}/g, "");
    const signed = await aws.sign(`${server.endpoint}/models/key`, {
      method: "PUT",
      body: "one",
      headers: { "x-amz-content-sha256": sha256 },
      aws: { datetime },
    });
    const send = async (key: string, body: string, changed: Record<string, string> = {}) => {
      const headers = { ...Object.fromEntries(signed.headers), ...changed };
      return (await fetch(`${server.endpoint}/models/${key}`, { method: "PUT", headers, body })).status;
    };
    const authorization = signed.headers.get("authorization") ?? "";
    expect(await send("key", "two")).toBe(400);
    expect(await send("other", "one")).toBe(403);
    const last = authorization.endsWith("0") ? "1" : "0";
    expect(await send("key", "one", { authorization: authorization.slice(0, -1) + last })).toBe(403);
    expect(await send("key", "one", { authorization: "" })).toBe(403);
    expect(server.objects.size).toBe(0);
    expect(await send("key", "one")).toBe(200);
  });

  test("never says the secret in a message", async () => {
    const { file, blob } = await fileOf(10);
    const error: Error = await s3({ secretAccessKey: "hidden" })
      .put(file, blob)
      .catch((thrown) => thrown);
    expect(error.message).not.toContain("hidden");
  });

  test("is asked again after a failure that may pass, and not after one that stays", async () => {
    const { file, blob } = await fileOf(10);
    const failing = (status: number, code: string) => ({
      when: (line: string) => line.startsWith("PUT"),
      fault: { status, code },
    });
    server.faults.push(failing(503, "SlowDown"), failing(500, "InternalError"));
    expect(await s3().put(file, blob)).toBe("stored");
    server.objects.clear();
    server.faults.push(failing(403, "AccessDenied"));
    await expect(s3().put(file, blob)).rejects.toMatchObject({ code: "STORE_REFUSED" });
    server.faults.push(...Array.from({ length: 5 }, () => failing(503, "SlowDown")));
    await expect(s3().put(file, blob)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(server.faults).toEqual([]);
  });

  test("continues a download over a connection that breaks", async () => {
    const { file, blob, content } = await fileOf(900_000);
    const store = s3({ partBytes: 1_000_000 });
    await store.put(file, blob);
    server.faults.push(
      { when: (line) => line.startsWith("GET"), fault: { cutAfter: 300_000 } },
      { when: (line) => line.startsWith("GET"), fault: { cutAfter: 200_000 } },
    );
    await download(store, blob, join(folder, "back"));
    expect(server.faults).toEqual([]);
    expect(await readFile(join(folder, "back"))).toEqual(content);
  });

  test("continues an upload with the parts that are missing", async () => {
    const { file, blob, content } = await fileOf(3 * partBytes + 5);
    const third = {
      when: (line: string) => line.includes("partNumber=3"),
      fault: { status: 403, code: "AccessDenied" },
    };
    server.faults.push(third);
    await expect(s3().put(file, blob)).rejects.toMatchObject({ code: "STORE_REFUSED" });
    server.log.length = 0;
    expect(await s3().put(file, blob)).toBe("stored");
    const sent = server.log.flatMap((line) => /partNumber=(\d)/.exec(line)?.[1] ?? []);
    expect(sent).toEqual(["3", "4"]);
    expect(server.objects.get(`a b/${blobPath(blob.sha256)}`)?.body).toEqual(content);
  });

  test("says when nobody answers", async () => {
    const { file, blob } = await fileOf(10);
    await expect(s3({ endpoint: "http://127.0.0.1:9" }).put(file, blob)).rejects.toMatchObject({
      code: "STORE_UNAVAILABLE",
      message: expect.stringContaining("expected a store that answers"),
    });
  });
});

test("a truncated file of a folder is not whole", async () => {
  const store = folderStore(join(folder, "store"));
  const { file, blob } = await fileOf(100);
  await store.put(file, blob);
  await truncate(join(folder, "store", blobPath(blob.sha256)), 60);
  await expect(download(store, blob, join(folder, "back"))).rejects.toMatchObject({
    code: "ARTIFACT_CORRUPT",
    message: expect.stringContaining("60 of 100 bytes"),
  });
});

test("only what lies at its own place is a blob", () => {
  const sha256 = "ab".repeat(32);
  expect(blobIn(blobPath(sha256))).toBe(sha256);
  expect(blobIn(`models/${blobPath(sha256)}`)).toBe(sha256);
  expect(blobIn(`sha256/cd/${sha256}`)).toBeUndefined();
  expect(blobIn(`sha256/ab/${sha256}.part`)).toBeUndefined();
});
