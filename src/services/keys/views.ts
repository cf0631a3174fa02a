/** Keys as people and programs are shown them. */
import type { ApiKey, UtcMs } from "../../base/index.ts";
import type { KeyView } from "./schema.ts";

/** A key as it is sent. */
export function viewOf(key: ApiKey, now: UtcMs): KeyView {
  const { createdAt, expiresAt, revokedAt, lastUsedAt, scopes, ...rest } = key;
  return {
    ...rest,
    scopes: [...scopes],
    state: stateOf(key, now),
    createdAt: iso(createdAt),
    expiresAt: expiresAt === null ? null : iso(expiresAt),
    revokedAt: revokedAt === null ? null : iso(revokedAt),
    lastUsedAt: lastUsedAt === null ? null : iso(lastUsedAt),
  };
}

function stateOf({ revokedAt, expiresAt, replacedBy }: ApiKey, now: UtcMs): KeyView["state"] {
  if (revokedAt !== null) return "revoked";
  if (expiresAt !== null && expiresAt <= now) return "expired";
  return replacedBy === null ? "valid" : "rotated";
}

/** The token alone on its line, so that it can be copied, and what is worth knowing of it below. */
export function issuedText({ token, key }: { token: string; key: KeyView }): string {
  return [
    token,
    "",
    `This is shown once. Keep it where secrets are kept; whoever has it is ${key.actor}.`,
    `scopes   ${key.scopes.join(", ")}`,
    `expires  ${key.expiresAt ?? "never"}`,
    `prefix   ${key.prefix}`,
  ].join("\n");
}

export function rotatedText({ old, ...issued }: { token: string; key: KeyView; old: KeyView }): string {
  return `${issuedText(issued)}\nthe old key ${old.prefix} is valid until ${old.expiresAt}`;
}

/** One line for each key. */
export function keyTable({ keys }: { keys: readonly KeyView[] }): string {
  if (keys.length === 0) return "no keys; fathom keys create makes one";
  const head = ["prefix", "name", "actor", "state", "expires", "last used", "scopes"];
  const rows = keys.map((key) => [
    key.prefix,
    key.name,
    key.actor,
    key.state,
    key.expiresAt?.slice(0, 10) ?? "never",
    key.lastUsedAt?.slice(0, 16) ?? "never",
    key.scopes.join(" "),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const iso = (time: UtcMs) => new Date(time).toISOString();
