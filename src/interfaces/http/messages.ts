/** English text of the HTTP server, in one place so that it can be translated. */
import { scopeMissing } from "../messages.ts";

export const messages = {
  title: "Fathom",
  apiDescription:
    "Every capability of this server as one route. Answers come at once; tasks answer 202 and run in the background, with their progress as server-sent events. Every failure is a problem of RFC 9457 with a stable `code`. HEAD is answered wherever GET is, but where GET is a stream. Before there is a route, a request that does not arrive in time is refused with 408, a long address with 414 and long headers with 431.",
  answer: "The answer",
  accepted: "The task was accepted; it runs in the background",
  taskSummary: "State, progress, and when it is done the output of a task",
  tasksSummary: "The newest tasks, newest first, without their outputs",
  tasksLimit: "how many at most",
  tasksStatus: "only those of this status",
  tasksCapability: "only those of this capability, such as forecast.train",
  lastEvent: "resume after this event",
  lastEventQuery: "the same, for readers that cannot set a header, which is heard before it",
  allHeard: "The task has ended, and `Last-Event-ID` was its last event",
  location: "where the task is",
  eventsSummary:
    "Progress of a task as server-sent events, then one event done or failed; Last-Event-ID resumes",
  events: "A stream of events; the data of each is JSON",
  keyDescription: "A request that is sent again with the same key finds the task that the first one made",
  cancelSummary: "Cancel a task and all of its parts; one that has ended already stays as it is",
  healthSummary: "Whether the server runs",
  readySummary: "Whether the server is ready to answer: 503 until its model is loaded",
  notReady: "Not yet ready",
  documentSummary: "This document",
  metricsSummary: "What the server counts, for Prometheus",
  page: "A page",
  homeSummary: "What the server can do, as a page",
  docsSummary: "This document as a page to try it in the browser",
  docsFileSummary: "A part of that page",
  modeDescription: "`job` runs the capability as a background task and answers 202",
  /** How routes that are no capabilities are grouped, in their order. */
  tags: {
    tasks: "Work in the background, how far it is and what came of it",
    inference: "Models by the Open Inference Protocol v2, as clients of KServe and Triton speak it",
    agents: "The capabilities as tools of an agent (Model Context Protocol)",
    server: "Health, metrics and pages",
  },
  /** What headers of answers say. */
  headers: {
    "X-Request-Id": "names the request, as the log does",
    "Retry-After": "seconds after which it is worth trying again",
    "WWW-Authenticate": "what key is expected",
    RateLimit: "what is left of each limit, and when it is back (draft-ietf-httpapi-ratelimit-headers)",
    "RateLimit-Policy": "the limits that were counted",
    "RateLimit-Limit": "the tightest limit, as revisions of the draft up to 06 write it",
    "RateLimit-Remaining": "what is left of it",
    "RateLimit-Reset": "seconds until it is back",
  },
  servedDefault: (reference: string) => `the model that this server was started with, ${reference}`,
  keyMissing:
    "authorization: expected Bearer and an API key, received none; fathom keys create makes one on the server's machine",
  keyRefused: (reason: "unknown" | "expired" | "revoked") =>
    ({
      unknown: "authorization: expected an API key of this server, received another text",
      expired: "authorization: expected an API key that is valid, received one that has expired",
      revoked: "authorization: expected an API key that is valid, received one that was revoked",
    })[reason],
  scopeMissing: (scope: string, held: readonly string[]) => `authorization: ${scopeMissing(scope, held)}`,
  tooManyAttempts: "authorization: expected fewer wrong keys from one address; try again later",
  rateLimited: (name: string, perSecond: number, retrySeconds: number) =>
    `${name}: expected at most ${perSecond} requests a second, received more; try again in ${Math.max(1, Math.ceil(retrySeconds))} s`,
  originForbidden: (origin: string) =>
    `origin: expected a page of this server, received ${JSON.stringify(origin)}`,
  addressTooLong: (limit: number) => `address: expected at most ${limit} bytes, received more`,
  headersTooLarge: "headers: expected fewer or shorter ones, received more than the server reads",
  requestTimeout: "request: expected all of it in time, received only a part",
  notHttp: "request: expected HTTP/1.1, received something else",
  unauthorized: "No valid API key came with the request; `WWW-Authenticate` says what is expected",
  limited: "More requests than the key or the model may take; see `Retry-After` and `RateLimit`",
  neededScope: (name: string) => `Needs a key with the scope ${name}, or one that includes it.`,
  keyScheme: "An API key, as `fathom keys create` shows it once",
  badRequest: "A field of the body or the query is missing, unknown or not of its type",
  forbidden: "The key lacks a scope, a path lies outside the data folder, or a page or host of others asks",
  missing: "Something that the request names is not there",
  conflict: "The state of things does not allow it",
  tooLarge: "The body is larger than the server accepts",
  notJson: "The body is not `application/json`",
  mistake: "A mistake of ours",
  unavailable: "Something that is needed is not available, or too many tasks wait; see `Retry-After`",
  unknownRoute: (method: string, url: string) =>
    `${method} ${url}: there is no such route; GET /docs lists what there is`,
  unknownMethod: (method: string, url: string, allowed: string) => `${method} ${url}: expected ${allowed}`,
  keyInvalid: (received: string) =>
    `idempotency-key: expected 1 to 200 printable characters, received ${JSON.stringify(received.slice(0, 50))}`,
  keyUnkept:
    "idempotency-key: expected for a task (?mode=job) or for what only reads, since an answer that comes at once is not kept",
  bodyExpected: "body: expected a JSON object, received nothing",
  bodyNotObject: (received: string) => `body: expected a JSON object, received ${received}`,
  bodyNotJson: (reason: string) => `body: expected JSON, received ${reason}`,
  bodyKeyRefused: (key: string) =>
    `body: expected other keys, received "${key}", which is refused in any place`,
  bodyTooDeep: (limit: number) =>
    `body: expected at most ${limit} levels of lists and objects, received more`,
  bodyTooLarge: (limit: number) => `body: expected at most ${limit} bytes, received more`,
  contentEncoding: (received: string) =>
    `content-encoding: expected a body as it is, received ${JSON.stringify(received)}`,
  mediaType: (received: string | undefined) =>
    `content-type: expected application/json, received ${received ?? "none"}`,
  hostForbidden: (host: string) =>
    `host: expected a name of the local machine, received ${JSON.stringify(host)}`,
  pathForbidden: (field: string, path: string) =>
    `${field}: expected a path inside the server's data folder, received ${JSON.stringify(path)}`,
  pathOwn: (field: string, path: string) =>
    `${field}: expected a path to files of yours in the data folder, received ${JSON.stringify(path)}, which the server keeps for itself`,
  internal: "something went wrong on the server; its log has more under this request's id",
  busy: (limit: number) =>
    `expected room in the queue, received one more task than the ${limit} that may wait`,
  stopping: "the server is being stopped and takes no new work",
  tooSlow: (seconds: number) =>
    `expected an answer within ${seconds} s, received none; ask for a task with ?mode=job`,
  unknownTask: (id: string) => `${id}: expected the id of a task, found none`,
  unknownSchedule: (name: string) => `${name}: expected the name of a schedule, found none`,
  neverTask: (name: string) =>
    `mode: expected none, received job; the answer of ${name} holds a secret, and the outputs of jobs are kept`,
  portInUse: (port: number) =>
    `--port: expected a free port, received ${port}, on which another program listens; choose another one`,
  listenFailed: (host: string, port: number, reason: string) =>
    `--host, --port: expected a place to listen, received ${host}:${port}: ${reason}`,
  landing: {
    capabilities: "What it can do",
    documentation: "Try it in the browser",
    document: "OpenAPI document",
    health: "Health",
    ready: "Ready",
    tasks: "Tasks",
    background: "runs in the background",
    none: "No capability is installed.",
    example: "Example",
  },
  docs: {
    title: "Fathom API",
    noScript: "This page needs JavaScript; the document itself is at /openapi.json",
  },
} as const;
