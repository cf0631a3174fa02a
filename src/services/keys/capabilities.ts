import {
  type Capability,
  type Context,
  capability,
  covers,
  dayMs,
  isScope,
  ownerActor,
  PlatformError,
  suggest,
} from "../../base/index.ts";
import {
  CreateInput,
  IssuedOutput,
  ListInput,
  ListOutput,
  RevokeInput,
  RevokeOutput,
  RotateInput,
  RotateOutput,
} from "./schema.ts";
import { issuedText, keyTable, rotatedText, viewOf } from "./views.ts";

const messages = {
  unknownScope: (field: string, scope: string, near: readonly string[], choices: readonly string[]) => {
    const hint =
      near.length === 0 ? "" : `; did you mean ${near.map((one) => JSON.stringify(one)).join(" or ")}?`;
    const received = JSON.stringify(scope);
    return `${field}: expected *, read, or one of ${choices.join(", ")}, received ${received}${hint} (docs/operations.md#keys lists all)`;
  },
} as const;

const hourMs = 3_600_000;

/**
 * @param everything all capabilities that keys may be given scopes for; asked late, since this list is a part of it
 */
export function keysCapabilitiesOf(everything: () => readonly Capability[]): readonly Capability[] {
  const create = capability({
    name: "keys.create",
    secretOutput: true,
    summary: "Make an API key; its secret is shown this once",
    input: CreateInput,
    output: IssuedOutput,
    print: issuedText,
    async run({ name, scopes, actor: asked, expiresInDays, requestsPerSecond = null }, context) {
      const actor = asked ?? (speaksForOthers(context) ? name : (context.actor ?? name));
      expectOwn(actor, context);
      for (const [index, scope] of scopes.entries()) {
        expectKnown(scope, index, everything());
        expectHeld(scope, context);
      }
      await context.ledger.check(); // before there is a key whose token nobody would be shown
      const { keys } = await context.platform();
      const now = context.clock.now();
      const by = context.actor ?? ownerActor;
      const expiresAt = expiresInDays === null ? null : now + expiresInDays * dayMs;
      const issued = await keys.create({
        name,
        actor,
        scopes: [...new Set(scopes)],
        expiresAt,
        requestsPerSecond,
        by,
      });
      const key = viewOf(issued.key, now);
      await context.ledger.append({ action: "keys.create", subject: key.prefix, payload: { ...key, by } });
      return { token: issued.token, key };
    },
  });

  const list = capability({
    name: "keys.list",
    summary: "List the API keys: what they may do, until when, and when they were last used",
    effect: "reads",
    input: ListInput,
    output: ListOutput,
    print: keyTable,
    async run({ all }, { platform, clock }) {
      const { keys } = await platform();
      const views = (await keys.list()).map((key) => viewOf(key, clock.now()));
      return { keys: views.filter(({ state }) => all || state === "valid" || state === "rotated") };
    },
  });

  const rotate = capability({
    name: "keys.rotate",
    secretOutput: true,
    summary: "Make the successor of an API key; both are valid for a while",
    input: RotateInput,
    output: RotateOutput,
    positional: "key",
    print: rotatedText,
    async run({ key: prefix, overlapHours, expiresInDays }, context) {
      await context.ledger.check();
      const { keys } = await context.platform();
      const before = await keys.get(prefix);
      for (const scope of before.scopes) expectHeld(scope, context);
      expectOwn(before.actor, context);
      const now = context.clock.now();
      const by = context.actor ?? ownerActor;
      const lifeMs =
        expiresInDays === undefined
          ? before.expiresAt && before.expiresAt - before.createdAt
          : expiresInDays && expiresInDays * dayMs;
      const issued = await keys.rotate(prefix, {
        overlapUntil: now + overlapHours * hourMs,
        expiresAt: lifeMs === null ? null : now + lifeMs,
        by,
      });
      const [key, old] = [viewOf(issued.key, now), viewOf(await keys.get(prefix), now)];
      const payload = { successor: key.prefix, validUntil: old.expiresAt, by };
      await context.ledger.append({ action: "keys.rotate", subject: prefix, payload });
      return { token: issued.token, key, old };
    },
  });

  const revoke = capability({
    name: "keys.revoke",
    summary: "End an API key at once",
    effect: "destroys",
    input: RevokeInput,
    output: RevokeOutput,
    positional: "key",
    print: ({ key }) => `key ${key.prefix} (${key.name}) was revoked at ${key.revokedAt}`,
    async run({ key: prefix }, context) {
      const { keys } = await context.platform();
      const key = viewOf(await keys.revoke(prefix), context.clock.now());
      const payload = { name: key.name, by: context.actor ?? ownerActor };
      await context.ledger.append({ action: "keys.revoke", subject: prefix, payload });
      return { key };
    },
  });

  return [create, list, rotate, revoke] as unknown as readonly Capability[];
}

/** A scope with a slip of the pen would give nothing, and nobody would notice before it mattered. */
function expectKnown(scope: string, index: number, everything: readonly Capability[]): void {
  const names = everything.map(({ name }) => name);
  const services = [...new Set(names.map((name) => name.split(".")[0]))];
  const service = scope.split(/[.:]/)[0];
  const known =
    scope === "*" ||
    scope === "read" ||
    names.includes(scope) ||
    serverScopes.includes(scope) ||
    (isScope(scope) && /(\.\*|:read)$/.test(scope) && [...services, ...serverServices].includes(service));
  if (known) return;
  const ofServices = [...services, ...serverServices].flatMap((name) => [`${name}.*`, `${name}:read`]);
  const near = suggest(scope, ["*", "read", ...names, ...serverScopes, ...ofServices], 1);
  const ofService = names.filter((name) => name.startsWith(`${service}.`));
  const choices =
    ofService.length > 0 ? ofService : [...services, ...serverServices].map((name) => `${name}.*`);
  const field = `scopes.${index}`;
  throw new PlatformError("input", "INPUT_INVALID", messages.unknownScope(field, scope, near, choices), {
    field,
  });
}

/** What a server offers beside the capabilities: its measurements, and standard inference requests. */
export const serverScopes: readonly string[] = ["server.metrics", "inference.infer", "inference.describe"];
const serverServices = [...new Set(serverScopes.map((scope) => scope.split(".")[0]))];

/** Nobody hands out more than they have. */
function expectHeld(scope: string, { scopes }: Context): void {
  if (scopes === undefined || covers(scopes, scope)) return;
  const message = `scopes: expected scopes that your own key has (${scopes.join(", ")}), received ${JSON.stringify(scope)}`;
  throw new PlatformError("forbidden", "SCOPE_MISSING", message, { field: "scopes" });
}

/** Whether the one who asks may make keys in another's name: the owner of the data folder, and a key that may do everything. */
function speaksForOthers({ scopes }: Context): boolean {
  return scopes === undefined || scopes.includes("*");
}

/** Nobody gets a second name, with which they could second themselves where two are asked for. */
function expectOwn(actor: string, context: Context): void {
  if (speaksForOthers(context) || actor === context.actor) return;
  const message = `actor: expected ${context.actor}, for whom your own key acts, received ${JSON.stringify(actor)}; a key with the scope * may name others`;
  throw new PlatformError("forbidden", "SCOPE_MISSING", message, { field: "actor" });
}
