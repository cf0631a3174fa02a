/** A folder below `/proc` can be named and never made, and Node's recursive `mkdir` tries it for ever: nobody may call that. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makeFolder } from "../src/base/index.ts";
import { folderCheckpoints } from "../src/models/index.ts";
import { folderStore } from "../src/platform/artifacts/index.ts";
import { lazyPlatform } from "../src/platform/local/index.ts";
import { ensureKeyPair, signer } from "../src/platform/signing/index.ts";
import { openState } from "../src/platform/state/index.ts";
import { writeFolder } from "../src/services/portfolio/walk-forward/write.ts";

const temporary = mkdtempSync(path.join(tmpdir(), "fathom-folders-"));
afterAll(() => rmSync(temporary, { recursive: true }));

const nowhere = "/proc/fathom/deep";
const entropy = { randomBytes: (count: number) => Buffer.alloc(count, 7) };
const vector = Float32Array.of(1);
const checkpoint = {
  training: { parameters: vector, memory: {}, step: 1 },
  best: vector,
  bestEpoch: 0,
  history: [],
};

const writers: Readonly<Record<string, () => Promise<unknown>>> = {
  makeFolder: () => makeFolder(nowhere),
  "the embedded database": () => openState({ folder: nowhere }),
  "a server's claim": () => lazyPlatform({ dataFolder: nowhere }).claim("fathom serve"),
  "the installation's key": () => ensureKeyPair(path.join(nowhere, "key.pem"), entropy),
  "a key to trust": async () => {
    const { public: key } = await ensureKeyPair(path.join(temporary, "key.pem"), entropy);
    await signer({ dataFolder: nowhere, entropy }).trust("other", key.pem);
  },
  "an artifact": () => {
    const file = path.join(temporary, "artifact");
    writeFileSync(file, "x");
    const sha256 = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881";
    return folderStore(nowhere).put(file, { sha256, bytes: 1 });
  },
  "a checkpoint": () => folderCheckpoints(nowhere, "run").save(checkpoint),
  "a report": () => writeFolder(nowhere, [{ name: "report.html", content: "" }]),
};

describe.skipIf(process.platform !== "linux")("where no folder can be made", () => {
  test.each(Object.keys(writers))("%s is refused at once", { timeout: 10_000 }, async (name) => {
    await expect(writers[name]()).rejects.toMatchObject({
      code: "WRITE_FAILED",
      message: expect.stringMatching(/^\/proc\/fathom\/deep\S*: could not be written: ENOENT: [^:]+$/),
    });
  });

  test("the doctor says so, and ends", { timeout: 40_000 }, async () => {
    const words = ["--import", import.meta.resolve("tsx"), path.join(import.meta.dirname, "model/fathom.ts")];
    const { status, printed } = await new Promise<{ status: unknown; printed: string }>((done) => {
      execFile(
        process.execPath,
        [...words, "doctor", "--data-folder", nowhere, "--port", "0"],
        { timeout: 30_000, killSignal: "SIGKILL" },
        (error, printed) => done({ status: error?.code ?? error?.signal ?? 0, printed }),
      );
    });
    expect(status, printed).toBe(5);
    expect(printed).toMatch(/^fail {2}database +\/proc\/fathom\/deep\/state: could not be written: ENOENT/m);
  });
});

test.skipIf(process.platform === "win32")(
  "every folder that is made has the mode that was asked for",
  async () => {
    await makeFolder(path.join(temporary, "a/b"), { mode: 0o700 });
    for (const made of ["a", "a/b"]) expect(statSync(path.join(temporary, made)).mode & 0o777).toBe(0o700);
  },
);
