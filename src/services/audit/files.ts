/** Exports of the ledger as files. */
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { z } from "zod";
import {
  type AuditPort,
  brokenLedger,
  type Context,
  PlatformError,
  type SignedHead,
  verifyExport,
  writeFailure,
} from "../../base/index.ts";
import { messages } from "./messages.ts";
import type { ExportInput, ExportOutput, VerifyInput, VerifyOutput } from "./schema.ts";

/** @throws PlatformError `LEDGER_BROKEN` naming what is not as it was recorded, or not there any more */
export async function verify(
  { file, against, publicKey }: z.output<typeof VerifyInput>,
  context: Context,
): Promise<z.output<typeof VerifyOutput>> {
  if (file !== undefined && against !== undefined)
    throw new PlatformError("input", "INPUT_INVALID", messages.fileOrAgainst);
  const kept = file ?? against;
  const head = kept === undefined ? null : await verifyExport(linesOf(kept), { where: kept, publicKey });
  const signed = { signedAt: head?.signedAt ?? null, publicKey: head?.publicKey ?? null };
  if (file !== undefined && head !== null)
    return { entries: head.sequence, hash: head.hash, kept: null, ...signed };
  const { audit } = await context.platform();
  const { sequence, hash } = await audit.verify({ signal: context.signal });
  if (head !== null) await follows(audit, sequence, head);
  return { entries: sequence, hash, kept: head?.sequence ?? null, ...signed };
}

/** A chain is whole without its end, and one that was written anew is whole as well: only what was kept elsewhere shows it. */
async function follows(audit: AuditPort, entries: number, head: SignedHead): Promise<void> {
  const { sequence, hash } = head;
  if (entries < sequence)
    throw brokenLedger(
      messages.ledger,
      entries + 1,
      messages.keptEntries(sequence),
      messages.noMore(entries),
    );
  if (sequence === 0) return;
  const [record] = await audit.list({ before: sequence + 1, limit: 1 });
  if (record.hash !== hash) throw brokenLedger(messages.ledger, sequence, hash, record.hash);
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
