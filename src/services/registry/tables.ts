/** What the capabilities of the registry print for people. */
import { formatNumber, textTable } from "../../report/index.ts";
import type {
  HistoryOutput,
  HistoryRow,
  KeysOutput,
  ListOutput,
  PlanOutput,
  PolicyOutput,
  PromoteOutput,
  RequestsOutput,
  ShowOutput,
  Version,
} from "./schema.ts";

export function listTable({ models, versions }: ListOutput): string {
  if (versions.length > 0) return versionsTable(versions);
  if (models.length === 0) return "no models yet";
  return textTable(
    ["model", "champion", "challenger", "versions", "changed"],
    models.map(({ model, champion, challenger, versions: count, changedAt }) => [
      model,
      orDash(champion),
      orDash(challenger),
      String(count),
      day(changedAt),
    ]),
    5,
  );
}

function versionsTable(versions: readonly Version[]): string {
  return textTable(
    ["version", "aliases", "registered", "by", "data to", "parent", "digest", "note"],
    versions.map(({ version, aliases, registeredAt, registeredBy, lineage, digest, note, removedAt }) => [
      String(version),
      removedAt === null ? aliases.join(", ") : "(removed)",
      day(registeredAt),
      registeredBy,
      lineage.data.to,
      orDash(lineage.parent?.version ?? null),
      digest.slice(0, 12),
      note,
    ]),
    8,
  );
}

export function versionText(version: ShowOutput): string {
  const { model, version: number, aliases, lineage, digest, bytes, signedBy, note, drift } = version;
  const parent = lineage.parent;
  const pairs: [string, string][] = [
    ["version", `${model}@${number}${aliases.length > 0 ? ` (${aliases.join(", ")})` : ""}`],
    ["kind", version.kind],
    ["digest", digest],
    ["registered", `${day(version.registeredAt)} by ${version.registeredBy}`],
    ["signed by", signedBy === null ? "nobody" : `key ${signedBy}`],
    ["data", `${lineage.data.source}, ${lineage.data.from} to ${lineage.data.to}`],
    ["fingerprint", lineage.data.fingerprint],
    [
      "code",
      Object.entries(lineage.code)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
    ["run", lineage.run ?? "-"],
    [
      "parent",
      parent === null ? "-" : parent.version === null ? parent.digest : `${model}@${parent.version}`,
    ],
    ["size", `${formatNumber(bytes)} bytes`],
    ["drift", drift === null ? "never checked" : driftText(drift)],
    ...(note === "" ? [] : [["note", note] as [string, string]]),
  ];
  return textTable(pairs[0], pairs.slice(1), 2);
}

function driftText({ at, from, to, drifted }: NonNullable<ShowOutput["drift"]>): string {
  const found = drifted.length === 0 ? "nothing has drifted" : `${drifted.join(", ")} drifted`;
  return `${found} from ${from} to ${to}, as checked on ${day(at)}`;
}

export function historyTable({ model, at, entries }: HistoryOutput): string {
  if (at !== null) {
    const [entry] = entries;
    if (entry === undefined) return `at ${moment(at)} nobody was in charge of ${model}`;
    return `at ${moment(at)} ${model}@${entry.version} was ${entry.alias}, since ${moment(entry.at)} by ${entry.actor}${because(entry)}`;
  }
  if (entries.length === 0) return `nothing was changed of ${model} yet`;
  return textTable(
    ["when", "what", "alias", "from", "to", "who", "why"],
    entries.map((entry) => [
      moment(entry.at),
      entry.action,
      entry.alias,
      orDash(entry.previous),
      orDash(entry.version),
      entry.approvedBy === null ? entry.actor : `${entry.actor}, approved by ${entry.approvedBy}`,
      entry.reason,
    ]),
    7,
  );
}

export function entryLine({ entry }: { readonly entry: HistoryRow }): string {
  const { model, alias, version, previous } = entry;
  const now = version === null ? `${model} has no ${alias} any more` : `${model}@${version} is ${alias} now`;
  return previous === null ? now : `${now}, after version ${previous}`;
}

export function promotionText({ status, entry, request, comparison }: PromoteOutput): string {
  const numbers = comparison === null ? [] : [compared(comparison)];
  if (status === "promoted" && entry !== null) return [entryLine({ entry }), ...numbers].join("\n");
  return [
    `request ${request?.id} waits for somebody else: fathom registry approve --request ${request?.id}`,
    ...numbers,
  ].join("\n");
}

/** Both numbers and the test they come from; a digest is shortened. */
function compared({ path, candidate, champion, test }: NonNullable<PromoteOutput["comparison"]>): string {
  const on = /^[0-9a-f]{64}$/.test(test) ? `the test ${test.slice(0, 12)} of both` : test;
  const [is, was] = [candidate, champion].map((value) => Number(value.toPrecision(6)));
  return `${path} ${is} against the champion's ${was} on ${on}`;
}

export function requestsTable({ requests }: RequestsOutput): string {
  if (requests.length === 0) return "no open requests";
  return textTable(
    ["request", "version", "champion", "asked", "by", "why", "compared"],
    requests.map(({ id, version, champion, requestedAt, requestedBy, reason, comparison }) => [
      String(id),
      String(version),
      orDash(champion),
      day(requestedAt),
      requestedBy,
      reason,
      comparison === null ? "-" : compared(comparison),
    ]),
    7,
  );
}

export function policyText({ model, policy: { secondKey, metric } }: PolicyOutput): string {
  const keys = secondKey ? "one asks and somebody else approves" : "whoever may promote does";
  const rule =
    metric === null
      ? "no metric is compared"
      : `${metric.path} (${metric.better} is better) at most ${Number((100 * metric.tolerance).toPrecision(3))} % worse than the champion's, on the same test`;
  return `promotion of ${model}: ${keys}; ${rule}`;
}

export function planTable(plan: PlanOutput): string {
  const arm = (
    name: string,
    version: number,
    { requests, failures, compared, disagreed }: PlanOutput["seen"]["champion"],
  ) => [
    name,
    String(version),
    formatNumber(requests),
    formatNumber(failures),
    compared === 0 ? "-" : formatNumber(disagreed),
  ];
  return [
    `${plan.mode} of ${plan.model}, ${plan.sharePercent} % of the callers, ${plan.status}, since ${moment(plan.startedAt)} by ${plan.startedBy}`,
    "",
    textTable(
      ["", "version", "requests", "failed", "differ"],
      [
        arm("champion", plan.champion, plan.seen.champion),
        arm("candidate", plan.candidate, plan.seen.candidate),
      ],
      1,
    ),
    "",
    plan.verdict === "wait" ? "too little was seen to judge" : `verdict: ${plan.verdict}`,
    ...plan.findings.map(
      ({ rule, value, limit, broken }) =>
        `${broken ? "broken" : "kept  "}  ${rule} ${Number(value.toPrecision(3))}, limit ${Number(limit.toPrecision(3))}`,
    ),
  ].join("\n");
}

export function keysText({ keys }: KeysOutput): string {
  return keys.map(({ name, id, pem }) => `${name}, key ${id}\n${pem.trimEnd()}`).join("\n\n");
}

function orDash(value: number | null): string {
  return value === null ? "-" : String(value);
}

const day = (time: string) => time.slice(0, 10);
const moment = (time: string) => time.slice(0, 16).replace("T", " ");

function because({ reason }: HistoryRow): string {
  return reason === "" ? "" : ` (${reason})`;
}
