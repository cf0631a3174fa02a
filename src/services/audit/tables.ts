import type { z } from "zod";
import type { ListOutput, VerifyOutput } from "./schema.ts";

const messages = {
  none: "no entries",
  head: ["sequence", "time", "actor", "action", "subject"],
  whole: (entries: number, hash: string) =>
    entries === 0
      ? "the ledger is empty: there was nothing to check"
      : `${entries} ${entries === 1 ? "entry" : "entries"}, every one as it was recorded; head ${hash}`,
  signed: (publicKey: string, time: string) => `signed at ${time} by ${publicKey}`,
} as const;

export function entryTable({ entries }: z.output<typeof ListOutput>): string {
  if (entries.length === 0) return messages.none;
  const rows: (readonly string[])[] = [
    messages.head,
    ...entries.map(({ sequence, time, actor, action, subject }) => [
      String(sequence),
      time,
      actor,
      action,
      subject,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function verdict({ entries, hash, signedAt, publicKey }: z.output<typeof VerifyOutput>): string {
  const whole = messages.whole(entries, hash);
  return signedAt === null || publicKey === null
    ? whole
    : `${whole}\n${messages.signed(publicKey, signedAt)}`;
}
