/** Takes over the ledger of an earlier version, which was a file of JSON lines. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { sql } from "drizzle-orm";
import { type LedgerEntry, PlatformError } from "../../base/index.ts";
import type { State } from "../state/index.ts";
import type { Ledger } from "./ledger.ts";

interface Line extends Omit<LedgerEntry, "actor" | "personal"> {
  readonly sequence: number;
  readonly time: string;
  readonly previous: string;
  readonly hash: string;
}

/**
 * Imports the file once: its entries with their own times, after one that names the file's digest and last hash. The file stays.
 *
 * @throws PlatformError `LEDGER_BROKEN` naming the first line that is not what was written
 */
export async function importLines(state: State, ledger: Ledger, file: string): Promise<void> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (bytes === undefined) return;
  const name = "ledger.imported";
  const isDone = async () =>
    (await state.query("select 1 from fathom.installation where name = $1", [name])).length > 0;
  if (await isDone()) return;
  const lines = readLines(bytes.toString("utf8"), file);
  const digest = createHash("sha256").update(bytes).digest("hex");
  await state.db.transaction(async (transaction) => {
    // Of two processes that come here at once, the second finds the row of the first.
    const claimed = (await transaction.execute(
      sql`insert into fathom.installation (name, value, updated_at) values (${name}, ${JSON.stringify({ digest, lines: lines.length })}::jsonb, now()) on conflict do nothing returning name`,
    )) as unknown as { rows: unknown[] };
    if (claimed.rows.length === 0) return;
    const payload = { digest, lines: lines.length, head: lines.at(-1)?.hash ?? null };
    await ledger.appendIn(transaction, { action: "audit.import", subject: "ledger.jsonl", payload });
    for (const { action, subject, payload, time } of lines) {
      await ledger.appendIn(transaction, { action, subject, payload }, Date.parse(time));
    }
  });
}

function readLines(text: string, file: string): Line[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  let previous = "0".repeat(64);
  return lines.map((line, index) => {
    const entry = parse(line);
    const { hash, ...fields } = entry ?? { hash: "" };
    const digest = createHash("sha256").update(JSON.stringify(fields)).digest("hex");
    if (
      entry === undefined ||
      entry.sequence !== index + 1 ||
      entry.previous !== previous ||
      hash !== digest
    ) {
      const message = `${file}, line ${index + 1}: expected the record that was written there, received another`;
      throw new PlatformError("conflict", "LEDGER_BROKEN", message, { file, line: index + 1 });
    }
    previous = hash;
    return entry;
  });
}

function parse(line: string): Line | undefined {
  try {
    const entry = JSON.parse(line) as Line | null;
    return typeof entry?.hash === "string" ? entry : undefined;
  } catch {
    return undefined; // the caller answers with LEDGER_BROKEN
  }
}
