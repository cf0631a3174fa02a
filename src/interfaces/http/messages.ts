/** English text of the HTTP server, in one place so that it can be translated. */
export const messages = {
  title: "Fathom",
  apiDescription:
    "Every capability of this server as one route. Answers come at once; tasks answer 202 and run in the background, with their progress as server-sent events. Every failure is a problem of RFC 9457 with a stable `code`.",
  answer: "The answer",
  accepted: "The task was accepted; it runs in the background",
  taskSummary: "State, progress, and when it is done the output of a task",
  tasksSummary: "The hundred newest tasks, newest first",
  eventsSummary:
    "Progress of a task as server-sent events, then one event done or failed; Last-Event-ID resumes",
  events: "A stream of events; the data of each is JSON",
  keyDescription: "A request that is sent again with the same key finds the task that the first one made",
  cancelSummary: "Cancel a task and all of its parts; one that has ended already stays as it is",
  healthSummary: "Whether the server runs",
  readySummary: "Whether the server is ready to answer: 503 until its model is loaded",
  modeDescription: "`job` runs the capability as a background task and answers 202",
  taskTag: "tasks",
  serverTag: "server",
  servedDefault: (reference: string) => `the model that this server was started with, ${reference}`,
  keyMissing:
    "authorization: expected Bearer and an API key, received none; fathom keys create makes one on the server's machine",
  keyRefused: (reason: "unknown" | "expired" | "revoked") =>
    ({
      unknown: "authorization: expected an API key of this server, received another text",
      expired: "authorization: expected an API key that is valid, received one that has expired",
      revoked: "authorization: expected an API key that is valid, received one that was revoked",
    })[reason],
  scopeMissing: (scope: string, held: readonly string[]) =>
    `authorization: expected a key with the scope ${scope}, received one with ${held.join(", ")}`,
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
  badRequest: "A field is missing, unknown or not of its type",
  forbidden: "The key lacks a scope, or a path lies outside the data folder",
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
  internal: "something went wrong on the server; its log has more under this request's id",
  busy: (limit: number) =>
    `expected room in the queue, received one more task than the ${limit} that may wait`,
  stopping: "the server is being stopped and takes no new work",
  tooSlow: (seconds: number) =>
    `expected an answer within ${seconds} s, received none; ask for a task with ?mode=job`,
  modeInvalid: (received: string) => `mode: expected job, received ${JSON.stringify(received)}`,
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
