/**
 * Who may come in, and how often. Runs before any byte of a body is read: the origin of a web page, the key, its scopes,
 * its limit; and once the body names a model, the model's limit.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import {
  type Access,
  type ApiKey,
  allows,
  type Clock,
  type KeysPort,
  PlatformError,
} from "../../../base/index.ts";
import { type RatePolicy, subscriberOf, tokenBuckets } from "../../../platform/limits/index.ts";
import { messages } from "../messages.ts";
import { accessOf } from "./access.ts";
import { challenge, tokenOf } from "./credentials.ts";
import { type NamedVerdict, sendRateFields } from "./rate-headers.ts";

/** Whoever makes a request. */
export interface Caller {
  readonly actor: string;
  /** Everything when undefined: a server without keys. */
  readonly scopes: readonly string[] | undefined;
  readonly key: ApiKey | undefined;
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set before any handler runs; null on public routes without a key. */
    caller: Caller | null;
    /** The limits that the request has met so far. */
    verdicts: readonly NamedVerdict[] | null;
  }
}

export interface GuardOptions {
  /** Undefined serves everybody who reaches the port, under the name of `anonymous`. */
  readonly keys: (() => Promise<Pick<KeysPort, "verify">>) | undefined;
  readonly clock: Clock;
  /** Requests per second of a key that states none itself; 0 for no limit. */
  readonly requestsPerSecond?: number;
  /** Requests per second for one model, of all keys together; 0 for no limit. */
  readonly modelRequestsPerSecond?: number;
  /** So many seconds' worth may come at once. */
  readonly burstSeconds?: number;
  /** Wrong keys that one address may try in a minute. */
  readonly failedAttemptsPerMinute?: number;
  /** Web origins, beside the server's own, whose pages may ask: `https://desk.example`. */
  readonly allowedOrigins?: readonly string[];
  /** Fields that the server fills in, by capability: the served model has a limit too. */
  readonly defaults?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const anonymous: Caller = { actor: "anonymous", scopes: undefined, key: undefined };

export function guardRoutes(app: FastifyInstance, options: GuardOptions): void {
  const { keys, clock, requestsPerSecond = 0, modelRequestsPerSecond = 0, burstSeconds = 2 } = options;
  const { failedAttemptsPerMinute = 30, allowedOrigins = [], defaults = {} } = options;
  const ofKeys = tokenBuckets({ clock });
  const ofModels = tokenBuckets({ clock });
  const failures = tokenBuckets({ clock });
  const attempts = { capacity: failedAttemptsPerMinute, perSecond: failedAttemptsPerMinute / 60 };
  const policyOf = (perSecond: number): RatePolicy => ({
    capacity: Math.max(1, perSecond * burstSeconds),
    perSecond,
  });

  /** A wrong key costs the address one of its attempts; right keys from the same address are never refused for it. */
  const refuse = (request: FastifyRequest, reply: FastifyReply, token: string | undefined, why: string) => {
    if (token !== undefined) {
      const verdict = failures.take(subscriberOf(request.ip), attempts);
      if (!verdict.allowed) {
        reply.header("retry-after", String(Math.ceil(verdict.retrySeconds)));
        throw new PlatformError("forbidden", "RATE_LIMITED", messages.tooManyAttempts);
      }
      reply.header("www-authenticate", challenge({ error: "invalid_token" }));
      throw new PlatformError("forbidden", "KEY_INVALID", why);
    }
    reply.header("www-authenticate", challenge());
    throw new PlatformError("forbidden", "KEY_MISSING", messages.keyMissing);
  };

  const identify = async (request: FastifyRequest, reply: FastifyReply): Promise<Caller> => {
    if (keys === undefined) return anonymous;
    const token = tokenOf(request.headers);
    if (token === undefined) return refuse(request, reply, undefined, messages.keyMissing);
    const verdict = await (await keys()).verify(token);
    if (!verdict.valid) return refuse(request, reply, token, messages.keyRefused(verdict.reason));
    const { key } = verdict;
    return { actor: key.actor, scopes: key.scopes, key };
  };

  app.decorateRequest("caller", null);
  app.decorateRequest("verdicts", null);
  app.addHook("onRequest", async (request, reply) => {
    expectOwnPage(request, allowedOrigins);
    const access = accessOf(request.routeOptions.url, request.routeOptions.config.access);
    if (access === "public") return;
    request.caller = await identify(request, reply);
    if (access !== "any") expectScope(request, reply, access);
    const { key } = request.caller;
    const perSecond = key?.requestsPerSecond ?? requestsPerSecond;
    if (key === undefined || perSecond <= 0) return;
    const policy = policyOf(perSecond);
    const verdict = ofKeys.take(key.prefix, policy);
    meet(request, reply, { name: "key", policy, verdict });
  });

  if (modelRequestsPerSecond <= 0) return;
  const modelPolicy = policyOf(modelRequestsPerSecond);
  app.addHook("preHandler", async (request, reply) => {
    const model = modelOf(request, defaults);
    if (model === undefined || request.caller === null) return;
    const verdict = ofModels.take(model.slice(0, 200), modelPolicy);
    meet(request, reply, { name: "model", policy: modelPolicy, verdict });
  });
}

/** Whether a request may reach what belongs to a capability, such as its tasks. */
export function mayReach(request: FastifyRequest, access: Access): boolean {
  const { caller } = request;
  return caller === null || caller.scopes === undefined || allows(caller.scopes, access);
}

/** Who asked, as a context carries it. */
export function askerOf(request: FastifyRequest): { actor?: string; scopes?: readonly string[] | undefined } {
  const { caller } = request;
  return caller === null || caller === undefined ? {} : { actor: caller.actor, scopes: caller.scopes };
}

/** @throws PlatformError `SCOPE_MISSING` */
function expectScope(request: FastifyRequest, reply: FastifyReply, access: Access): void {
  if (mayReach(request, access)) return;
  reply.header("www-authenticate", challenge({ error: "insufficient_scope", scope: access.name }));
  const held = request.caller?.scopes ?? [];
  throw new PlatformError("forbidden", "SCOPE_MISSING", messages.scopeMissing(access.name, held));
}

/**
 * A browser sends the origin of the page with everything that can change something. That of another site is refused: it
 * would act with what the browser can reach, such as a server of this machine that asks for no key.
 */
function expectOwnPage(request: FastifyRequest, allowedOrigins: readonly string[]): void {
  const { origin } = request.headers;
  if (origin === undefined || allowedOrigins.includes(origin)) return;
  const host = URL.canParse(origin) ? new URL(origin).host : undefined;
  if (host !== undefined && host === request.host.replace(/:(80|443)$/, "")) return;
  throw new PlatformError("forbidden", "ORIGIN_FORBIDDEN", messages.originForbidden(origin));
}

/** @throws PlatformError `RATE_LIMITED` when the newest verdict refuses */
function meet(request: FastifyRequest, reply: FastifyReply, one: NamedVerdict): void {
  const verdicts = [...(request.verdicts ?? []), one];
  request.verdicts = verdicts;
  sendRateFields(reply, verdicts);
  if (one.verdict.allowed) return;
  const message = messages.rateLimited(one.name, one.policy.perSecond, one.verdict.retrySeconds);
  throw new PlatformError("forbidden", "RATE_LIMITED", message);
}

/** The model that a request is about: in the address of an inference request, in the body of a capability. */
function modelOf(
  request: FastifyRequest,
  defaults: NonNullable<GuardOptions["defaults"]>,
): string | undefined {
  const { model, name } = (request.params ?? {}) as { model?: unknown; name?: unknown };
  const { access } = request.routeOptions.config;
  const filledIn = typeof access === "object" ? defaults[access.name]?.["artifact"] : undefined;
  const body = (request.body ?? {}) as {
    artifact?: unknown;
    params?: { arguments?: { artifact?: unknown } };
  };
  const artifact = body.artifact ?? body.params?.arguments?.artifact ?? filledIn; // the second for an agent's call
  return [model, name, artifact].find((one) => typeof one === "string" && one !== "") as string | undefined;
}
