import type { z } from "zod";
import { messages } from "./messages.ts";
import type { ListOutput, VerifyOutput } from "./schema.ts";

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

export function verdict({ entries, hash, kept, signedAt, publicKey }: z.output<typeof VerifyOutput>): string {
  const lines = [messages.whole(entries, hash)];
  if (kept !== null) lines.push(messages.goesOn(kept));
  if (signedAt !== null && publicKey !== null) lines.push(messages.signed(publicKey, signedAt));
  return lines.join("\n");
}
