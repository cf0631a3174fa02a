/** Exports of the ledger as files. */
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { z } from "zod";
import { type Context, PlatformError, verifyExport, writeFailure } from "../../base/index.ts";
import type { ExportInput, ExportOutput, VerifyInput, VerifyOutput } from "./schema.ts";

export async function verify(
  { file, publicKey }: z.output<typeof VerifyInput>,
  context: Context,
): Promise<z.output<typeof VerifyOutput>> {
  if (file === undefined) {
    const { audit } = await context.platform();
    const { sequence, hash } = await audit.verify({ signal: context.signal });
    return { entries: sequence, hash, signedAt: null, publicKey: null };
  }
  const head = await verifyExport(linesOf(file), { where: file, publicKey });
  return { entries: head.sequence, hash: head.hash, signedAt: head.signedAt, publicKey: head.publicKey };
}

/** Writes beside the place, so that a file of this name is whole or not there. */
export async function exportTo(
  { out }: z.output<typeof ExportInput>,
  context: Context,
): Promise<z.output<typeof ExportOutput>> {
  const { audit } = await context.platform();
  const draft = `${out}.part`;
  const stream = createWriteStream(draft, { mode: 0o600 });
  let failure: unknown;
  stream.on("error", (error) => {
    failure = error;
  });
  try {
    const head = await audit.export(
      async (line) => {
        if (failure !== undefined) throw failure;
        if (!stream.write(`${line}\n`)) await Promise.race([once(stream, "drain"), once(stream, "close")]);
      },
      { signal: context.signal },
    );
    await new Promise<void>((done, failed) => {
      stream.once("error", failed);
      stream.end(() => done());
    });
    await rename(draft, out);
    return { file: out, head };
  } catch (error) {
    stream.destroy();
    await rm(draft, { force: true });
    throw error instanceof PlatformError ? error : writeFailure(out, failure ?? error);
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    yield* createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new PlatformError(
      "missing",
      "DATA_FILE_MISSING",
      `${file}: expected an export of the ledger, found none`,
      {
        file,
      },
    );
  }
}
