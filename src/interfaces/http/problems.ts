/** Every failure of the server as a problem of RFC 9457. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type ErrorCode, type errorTable, PlatformError } from "../../base/index.ts";
import { type Failure, failureOf, failureTable, type Problem, problemOf } from "../failure.ts";
import { messages } from "./messages.ts";
import type { Outward } from "./paths.ts";
import type { Route } from "./route-list.ts";

/** Codes that HTTP has its own status for; all others go by their kind. */
const statusOfCode: { readonly [C in ErrorCode]?: number } = {
  KEY_MISSING: 401,
  KEY_INVALID: 401,
  METHOD_UNKNOWN: 405,
  REQUEST_TIMEOUT: 408,
  BODY_TOO_LARGE: 413,
  ADDRESS_TOO_LONG: 414,
  MEDIA_TYPE_UNKNOWN: 415,
  RATE_LIMITED: 429,
  HEADERS_TOO_LARGE: 431,
} satisfies { readonly [C in keyof typeof errorTable]?: number };

/** Seconds after which a refused caller may try again. */
const retryAfter: { readonly [C in ErrorCode]?: number } = {
  SERVER_BUSY: 30,
  SERVER_STOPPING: 5,
  STATE_UNAVAILABLE: 5,
};

/** Sets `Retry-After` where a caller may try again. */
export function sendRetryAfter(reply: FastifyReply, code: string): void {
  const seconds = retryAfter[code as ErrorCode];
  if (seconds !== undefined) reply.header("retry-after", String(seconds));
}

/**
 * A failure without what only we should know: mistakes of ours lose their message, and paths start at the data folder.
 */
export function publicProblem(failure: Failure, outward: Outward): Problem {
  const status = statusOfCode[failure.code as ErrorCode] ?? failureTable[failure.kind].httpStatus;
  if (failure.kind === "bug") return problemOf({ ...failure, message: messages.internal }, status);
  return problemOf(
    { ...failure, message: outward(failure.message), details: outward(failure.details) },
    status,
  );
}

export type AnswerProblem = (request: FastifyRequest, reply: FastifyReply, error: unknown) => FastifyReply;

/** What to tell a caller of an error. A mistake of ours goes into the log. */
export function describeProblem(
  outward: Outward,
  bodyLimit: number,
): (error: unknown, request: FastifyRequest) => Problem {
  return (error, request) => {
    const failure = failureOf(translate(error, request, bodyLimit), `${request.method} ${request.url}`);
    if (failure.kind === "bug") request.log.error({ err: error }, "a mistake of ours");
    return publicProblem(failure, outward);
  };
}

/** Answers a request with what went wrong. */
export function problemAnswerer(outward: Outward, bodyLimit: number): AnswerProblem {
  const describe = describeProblem(outward, bodyLimit);
  return (request, reply, error) => {
    const problem = describe(error, request);
    sendRetryAfter(reply, problem.code);
    return reply
      .code(problem.status)
      .type("application/problem+json")
      .send(JSON.stringify({ ...problem, instance: `urn:uuid:${request.id}` }));
  };
}

/** Answers every error, unknown route and wrong method with a problem. */
export function handleProblems(
  app: FastifyInstance,
  answer: AnswerProblem,
  routes: readonly Route[],
): RefuseRoute {
  const refuse: RefuseRoute = (request, reply) => {
    const [url] = request.url.split("?");
    const found = routes.filter(({ pattern }) => pattern.test(url)).flatMap(({ methods }) => methods);
    const allowed = [...new Set(found)];
    if (allowed.length === 0) {
      const message = messages.unknownRoute(request.method, url);
      return new PlatformError("missing", "ROUTE_UNKNOWN", message);
    }
    reply.header("allow", allowed.join(", "));
    const message = messages.unknownMethod(request.method, url, allowed.join(" or "));
    return new PlatformError("input", "METHOD_UNKNOWN", message);
  };
  app.setErrorHandler((error, request, reply) => answer(request, reply, error));
  app.setNotFoundHandler((request, reply) => answer(request, reply, refuse(request, reply)));
  return refuse;
}

/** What is wrong with a request that no route takes: its address, or its method, whose right ones go into a header. */
export type RefuseRoute = (request: FastifyRequest, reply: FastifyReply) => PlatformError;

/** Fastify's own refusals in our codes. */
function translate(error: unknown, request: FastifyRequest, bodyLimit: number): unknown {
  if (error instanceof PlatformError || !(error instanceof Error)) return error;
  const { code, statusCode } = error as Error & { code?: string; statusCode?: number };
  switch (code) {
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return new PlatformError("input", "BODY_TOO_LARGE", messages.bodyTooLarge(bodyLimit));
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return new PlatformError(
        "input",
        "MEDIA_TYPE_UNKNOWN",
        messages.mediaType(request.headers["content-type"]),
      );
  }
  const clientError = statusCode !== undefined && statusCode >= 400 && statusCode < 500;
  return clientError ? new PlatformError("input", "INPUT_INVALID", `request: ${error.message}`) : error;
}
