/** Who can act on a failure, and how; each edge (HTTP, command line) has one row for each kind. */
export type ErrorKind = "input" | "forbidden" | "missing" | "conflict" | "unavailable" | "interrupted";

interface ErrorEntry {
  readonly kind: ErrorKind;
  /** What happened and what to do about it: a sentence for `docs/errors.md`. */
  readonly meaning: string;
}

/** Every code that Fathom can answer with. `docs/errors.md` is kept equal to this table by a test. */
export const errorTable = {
  // base and interfaces
  INPUT_INVALID: {
    kind: "input",
    meaning: "A field of the request is missing, unknown, or not of its type. The message names the field.",
  },
  DATE_INVALID: { kind: "input", meaning: "A date is not a calendar date written as YYYY-MM-DD." },
  INTERRUPTED: {
    kind: "interrupted",
    meaning: "The work was stopped by Ctrl-C or by the caller. Finished checkpoints are kept.",
  },
  COMMAND_UNKNOWN: {
    kind: "input",
    meaning: "There is no such command. The message lists the nearest ones.",
  },
  ROUTE_UNKNOWN: { kind: "missing", meaning: "There is no such route. `/docs` lists those that exist." },
  JOB_UNKNOWN: { kind: "missing", meaning: "There is no job, or task of a server, with this id." },
  JOB_CAPABILITY_UNKNOWN: {
    kind: "input",
    meaning: "There is no capability with this name that can run as a job.",
  },
  JOB_KEY_CONFLICT: {
    kind: "conflict",
    meaning:
      "The idempotency key belongs to a job with another capability or input. Use a new key for a new request.",
  },
  JOB_NOT_ENDED: {
    kind: "conflict",
    meaning: "Only a job that failed or was cancelled can be tried again. This one is done, waits or runs.",
  },
  JOB_TIMEOUT: {
    kind: "unavailable",
    meaning:
      "An attempt of a job took longer than its `timeoutSeconds`. It is tried again while attempts are left.",
  },
  JOB_CRASHED: {
    kind: "unavailable",
    meaning:
      "The process that ran a job ended before the job did, as when memory runs out. It is tried again while attempts are left.",
  },
  JOB_LEASE_LOST: {
    kind: "unavailable",
    meaning:
      "The worker that had a job was killed or cut off from the database. Another one tries it again while attempts are left.",
  },
  SCHEDULE_UNKNOWN: { kind: "missing", meaning: "There is no schedule with this name." },
  BODY_TOO_LARGE: { kind: "input", meaning: "The request body is larger than the server accepts." },
  PORT_IN_USE: {
    kind: "unavailable",
    meaning: "Another program listens on this port. Choose another one with `--port`.",
  },
  LISTEN_FAILED: {
    kind: "unavailable",
    meaning: "The server could not listen at this host and port. The message carries the system's reason.",
  },
  METHOD_UNKNOWN: {
    kind: "input",
    meaning: "The route exists, but not with this method. The `Allow` header lists those that it has.",
  },
  MEDIA_TYPE_UNKNOWN: { kind: "input", meaning: "The request body is not `application/json`." },
  HOST_FORBIDDEN: {
    kind: "forbidden",
    meaning: "A server that listens on the local machine only was asked for under another host name.",
  },
  SERVER_BUSY: {
    kind: "unavailable",
    meaning: "Too many tasks wait already. Try again after the time in the `Retry-After` header.",
  },
  SERVER_STOPPING: {
    kind: "unavailable",
    meaning: "The server is being stopped and takes no new work. Try again at another one, or later.",
  },
  ANSWER_TIMEOUT: {
    kind: "unavailable",
    meaning: "The answer took longer than the server waits. Ask for it as a task with `?mode=job`.",
  },
  KEY_MISSING: {
    kind: "forbidden",
    meaning:
      "The request carries no API key. Send `Authorization: Bearer fathom_...`; `fathom keys create` makes one.",
  },
  KEY_INVALID: {
    kind: "forbidden",
    meaning: "The API key is not one of this server, has expired, or was revoked.",
  },
  SCOPE_MISSING: {
    kind: "forbidden",
    meaning: "The API key is valid but may not do this. The message names the scope that it lacks.",
  },
  KEY_UNKNOWN: {
    kind: "missing",
    meaning: "There is no API key with this prefix. `fathom keys list` shows them.",
  },
  KEY_ENDED: {
    kind: "conflict",
    meaning:
      "The API key was revoked, has expired or was rotated already, and so cannot be rotated. Make a new one.",
  },
  RATE_LIMITED: {
    kind: "forbidden",
    meaning:
      "More requests than the key, the model or the address may make. Try again after the time in `Retry-After`.",
  },
  ORIGIN_FORBIDDEN: {
    kind: "forbidden",
    meaning:
      "A web page of another origin asked in the name of the person who looks at it. Only the server's own pages may.",
  },
  ADDRESS_TOO_LONG: {
    kind: "input",
    meaning: "The address of the request is longer than the server accepts.",
  },
  HEADERS_TOO_LARGE: {
    kind: "input",
    meaning: "The headers of the request are larger than the server accepts.",
  },
  REQUEST_TIMEOUT: {
    kind: "input",
    meaning: "The request did not arrive whole in the time that it may take.",
  },
  KEYS_NEEDED: {
    kind: "input",
    meaning:
      "A server that other machines can reach was asked to serve without keys. Only a loopback address may.",
  },
  CONFIGURATION_INVALID: {
    kind: "input",
    meaning:
      "Settings in the configuration file, the environment or the flags are wrong. The message lists all of them.",
  },
  STATE_HELD: {
    kind: "conflict",
    meaning:
      "Another server runs on this data folder; the message names it. Stop it, or give each its own folder.",
  },
  STATE_UNAVAILABLE: {
    kind: "unavailable",
    meaning:
      "The database could not be reached, or stopped in the middle. Every request tries again by itself.",
  },
  STATE_ADDRESS_INVALID: {
    kind: "input",
    meaning:
      "`DATABASE_URL` is no address of a PostgreSQL server, or the server refused its user, password or database.",
  },
  STATE_TOO_OLD: {
    kind: "unavailable",
    meaning: "The PostgreSQL server is older than 14.",
  },
  STATE_NEWER: {
    kind: "conflict",
    meaning: "A later version of Fathom has changed this database. Use that version; nothing was changed.",
  },
  BACKUP_BROKEN: {
    kind: "conflict",
    meaning: "A backup was cut or changed, or a file changed while it was made. Nothing was restored.",
  },
  BACKUP_REFUSED: {
    kind: "conflict",
    meaning:
      "There is something already where a backup was to be written. `--replace` replaces an older backup, and nothing else.",
  },
  RESTORE_REFUSED: {
    kind: "conflict",
    meaning: "There is data already where a backup was to be restored. `--replace` removes it first.",
  },
  LEDGER_BROKEN: {
    kind: "conflict",
    meaning:
      "A line of the ledger is not what was written there. Keep the file, and find out who changed it.",
  },
  SESSION_UNKNOWN: {
    kind: "missing",
    meaning:
      "There is no such session of this key: it was closed, or nobody used it for long. Initialize anew.",
  },
  NOT_BUILT: { kind: "unavailable", meaning: "Fathom was not built yet. Run `npm run build`." },
  FILE_FORBIDDEN: {
    kind: "forbidden",
    meaning:
      "A path in a request lies outside the server's data folder, or in a folder there that the server keeps for itself: keys, state, artifacts, cache or checkpoints.",
  },
  DISK_FULL: {
    kind: "unavailable",
    meaning: "A file could not be written because the disk is full. Nothing half-written is left.",
  },
  WRITE_FAILED: {
    kind: "unavailable",
    meaning: "A file or folder could not be written. The message carries the system's reason.",
  },
  STATISTIC_INPUT_INVALID: {
    kind: "input",
    meaning:
      "A statistic, metric or test was given too few values, values that do not fit together, or an option outside its range.",
  },
  MATRIX_SINGULAR: {
    kind: "input",
    meaning:
      "A least-squares problem has no single answer because columns depend on each other. Drop the named column or set a ridge.",
  },
  // engine
  SHAPE_MISMATCH: {
    kind: "input",
    meaning: "Two tensors do not fit together. The message names the operation and both shapes.",
  },
  INDEX_OUT_OF_RANGE: {
    kind: "input",
    meaning:
      "A whole number that names a row, a token or a class is negative or too large. The message names the input, the position, the number and the range.",
  },
  MODEL_OPTION_INVALID: {
    kind: "input",
    meaning: "A layer, loss, optimiser, schedule, training or search was given a value outside its range.",
  },
  PROVIDER_UNAVAILABLE: {
    kind: "unavailable",
    meaning:
      "ONNX Runtime cannot run on the provider that was asked for, such as a graphics card without its libraries. docs/install.md says what it needs.",
  },
  RUNTIME_CLOSED: {
    kind: "conflict",
    meaning:
      "Something was asked of a runtime that was closed, a session that was released, a slot that is empty, or a training whose run failed.",
  },
  SECOND_DERIVATIVE: {
    kind: "input",
    meaning: "A second derivative was asked for through a recurrent layer, whose backward pass has none.",
  },
  ONNX_INVALID: {
    kind: "input",
    meaning: "The bytes are no ONNX model, or one that is cut off or contradicts itself. Nothing was loaded.",
  },
  ONNX_UNSUPPORTED: {
    kind: "input",
    meaning:
      "An ONNX model has a version, an operator, an element type or an open axis that cannot be used here. The message names all of them.",
  },
  ONNX_OPSET: {
    kind: "input",
    meaning:
      "A model was to be exported in an operator set that lacks one of its operators. The message names the operator and the set it needs.",
  },
  // data
  DATA_FILE_MISSING: { kind: "missing", meaning: "There is no file at this path." },
  DATA_EMPTY_FILE: { kind: "input", meaning: "The file has no rows." },
  DATA_NOT_A_FILE: { kind: "input", meaning: "The path names a folder where a file was expected." },
  DATA_FILE_FORBIDDEN: { kind: "forbidden", meaning: "The user who runs Fathom may not read this file." },
  DATA_READ_FAILED: {
    kind: "unavailable",
    meaning: "The system failed while it read the file. The message carries the system's reason.",
  },
  DATA_NOT_A_TABLE: {
    kind: "input",
    meaning:
      "The file is neither text nor Parquet, or not what its name says. The message says what it looks like.",
  },
  DATA_CORRUPT: { kind: "input", meaning: "A gzip, JSON or Parquet file is cut off or damaged." },
  DATA_TOO_LARGE: {
    kind: "input",
    meaning: "The source has more rows than are held in memory. Narrow it with `symbols`, `from` and `to`.",
  },
  DATA_ROW_MALFORMED: {
    kind: "input",
    meaning:
      "A line of a CSV file has more fields than the header, an open quote, or no end. The message names it.",
  },
  DATA_COLUMN_MISSING: {
    kind: "input",
    meaning:
      "A table lacks a column that is needed. The message lists what was found and what would be accepted.",
  },
  DATA_COLUMN_DUPLICATE: { kind: "input", meaning: "Two columns of a table have the same name." },
  DATA_CELL_NOT_NUMBER: {
    kind: "input",
    meaning: "A cell holds text where a number belongs. The message names line and column.",
  },
  DATA_TIME_UNREADABLE: {
    kind: "input",
    meaning: "No row of the table has a date or time that can be read.",
  },
  DATA_DATES_MIXED: {
    kind: "input",
    meaning:
      "Some dates can only be month/day/year and others only day/month/year. The message names a line of each.",
  },
  DATA_SYMBOL_UNKNOWN: {
    kind: "missing",
    meaning: "The table has no rows of a symbol that was asked for. The message lists the nearest symbols.",
  },
  DATA_RANGE_EMPTY: { kind: "input", meaning: "No row of the table lies between `from` and `to`." },
  DATA_INTERVAL_MISMATCH: {
    kind: "input",
    meaning:
      "The bars are closer together, or further apart, than those that the model was trained on: a model of daily bars says nothing about minutes.",
  },
  DATA_OPTION_INVALID: {
    kind: "input",
    meaning:
      "An option of reading, cleaning, windowing or splitting is outside its range. The message names it.",
  },
  DATA_DUPLICATE_CONFLICT: {
    kind: "conflict",
    meaning: "Two rows have the same symbol and time but other values, and cleaning was told to refuse that.",
  },
  DATA_NOTHING_LEFT: {
    kind: "input",
    meaning: "Cleaning dropped every row. The message says how many for which reason.",
  },
  DATA_PRICES_CONSTANT: {
    kind: "input",
    meaning: "Every close of every symbol is the same number, so there is nothing to learn or measure.",
  },
  DATA_TOO_SHORT: {
    kind: "input",
    meaning:
      "There are fewer rows than one window, or one part of a split, needs. The message gives both numbers.",
  },
  DATA_NOT_FINITE: {
    kind: "input",
    meaning:
      "A number that is to be normalised is NaN or infinite. The message gives row and feature; clean first.",
  },
  DATA_SHAPE_MISMATCH: {
    kind: "input",
    meaning:
      "A matrix does not have the rows or features that it should have, or a row is named that is not there.",
  },
  DATA_PRICE_NOT_POSITIVE: {
    kind: "input",
    meaning:
      "A price of zero or less, or none at all, has no return. The message gives its place; clean first.",
  },
  DATA_CATEGORY_UNKNOWN: {
    kind: "input",
    meaning: "A category does not occur in the training part, and the encoder was told to refuse such ones.",
  },
  DATA_STATE_INVALID: {
    kind: "input",
    meaning:
      "The stored state of a fitted transform is not one: a field is missing, changed or does not fit.",
  },
  DATA_IMAGE_UNREADABLE: {
    kind: "input",
    meaning:
      "A file is not a PNG or JPEG image, is damaged, or has more pixels than are accepted. The message says which.",
  },
  DATA_BAR_IMPOSSIBLE: {
    kind: "input",
    meaning:
      "A bar that is to be drawn has a price that is not a number, or a high below its low. The message gives its place.",
  },
  // models
  TRAINING_DIVERGED: {
    kind: "conflict",
    meaning:
      "The loss became NaN or infinite. The message names the first tensor that was not finite. Lower the learning rate or clip gradients; the last good checkpoint is kept.",
  },
  SEARCH_FOREIGN: {
    kind: "conflict",
    meaning:
      "The journal is that of another hyper-parameter search: its space, strategy or seed differ. Name another file.",
  },
  ARTIFACT_MISSING: { kind: "missing", meaning: "There is no model artifact at this place." },
  ARTIFACT_CORRUPT: {
    kind: "conflict",
    meaning:
      "A file of the artifact was changed, is missing, or is not what the manifest says. Nothing was loaded.",
  },
  ARTIFACT_FOREIGN: {
    kind: "conflict",
    meaning: "The folder is not an artifact of Fathom, or of a version that this one cannot read.",
  },
  WEIGHTS_MISMATCH: {
    kind: "conflict",
    meaning:
      "A file of weights does not fit the model. The message names every tensor that is missing, unexpected or of another shape; nothing was loaded.",
  },
  ARTIFACT_DIFFERS: {
    kind: "conflict",
    meaning:
      "The model of this name was trained by another request or on other data. `--replace` (`--retrain` of `fathom start`) puts the new one in its place; another `--out` keeps both.",
  },
  // serving
  INFERENCE_FAILED: {
    kind: "input",
    meaning:
      "ONNX Runtime refused the values of a request, such as an index outside of a table. The message carries its reason.",
  },
  INFERENCE_TIMEOUT: {
    kind: "unavailable",
    meaning: "A request waited or ran longer than the server allows, and was dropped.",
  },
  INFERENCE_THREAD_LOST: {
    kind: "unavailable",
    meaning:
      "The thread that ran the request ended. Another one has taken its place; the request can be sent again.",
  },
  // registry
  STORE_REFUSED: {
    kind: "unavailable",
    meaning:
      "The store of artifacts refused a request: a wrong secret, an unknown bucket, a missing permission. The message carries its own code.",
  },
  STORE_UNAVAILABLE: {
    kind: "unavailable",
    meaning: "The store of artifacts did not answer or failed, also when it was asked again. Try later.",
  },
  SIGNATURE_MISSING: {
    kind: "conflict",
    meaning:
      "A model carries no signature, as those of older versions. Look at where it comes from, then sign it with `fathom registry sign`, or set FATHOM_UNSIGNED_MODELS=warn.",
  },
  SIGNATURE_INVALID: {
    kind: "conflict",
    meaning:
      "The signature of a model was not made for these bytes, or is none: the model or its signature was changed. Nothing was loaded.",
  },
  SIGNER_UNTRUSTED: {
    kind: "forbidden",
    meaning:
      "A model was signed by a key that this installation does not trust. `fathom registry trust` trusts one whose owner you know.",
  },
  SIGNING_KEY_UNUSABLE: {
    kind: "unavailable",
    meaning:
      "The file with the installation's signing key, or one of a trusted key, is damaged, of another kind, or readable by other users.",
  },
  MODEL_UNKNOWN: {
    kind: "missing",
    meaning: "Neither the registry nor the server has a model of this name, or not in this version.",
  },
  VERSION_UNKNOWN: {
    kind: "missing",
    meaning:
      "The model has no such version, alias or digest, or the version was removed. The message lists what it has.",
  },
  ALIAS_RESERVED: {
    kind: "conflict",
    meaning:
      "The alias `champion` is moved by `registry promote` and `registry rollback` only, so that the policy holds.",
  },
  VERSION_IN_USE: {
    kind: "conflict",
    meaning: "A version cannot be removed while an alias, a serving plan or an open request points to it.",
  },
  PROMOTION_REFUSED: {
    kind: "conflict",
    meaning:
      "The model's policy does not let this version be champion. The message gives both numbers and the rule.",
  },
  PROMOTION_UNKNOWN: { kind: "missing", meaning: "No open request for a promotion has this number." },
  PROMOTION_STALE: {
    kind: "conflict",
    meaning:
      "The champion changed after the promotion was asked for. Ask for it again against the new champion.",
  },
  SECOND_KEY_NEEDED: {
    kind: "forbidden",
    meaning: "The policy wants two different people: whoever asked for a promotion cannot approve it.",
  },
  ROLLBACK_IMPOSSIBLE: {
    kind: "conflict",
    meaning: "No earlier version was in charge under this alias, or all of them were removed.",
  },
  PLAN_INVALID: {
    kind: "input",
    meaning:
      "A serving plan cannot be followed: it has no champion, the same version twice, or a rule that cannot be measured.",
  },
  PLAN_ACTIVE: {
    kind: "conflict",
    meaning: "The model has a serving plan already. Stop it before another one begins.",
  },
  DRIFT_REFERENCE_MISSING: {
    kind: "conflict",
    meaning:
      "The model has no reference to compare new data with: it was trained before references were kept. Train it again.",
  },
  // forecast
  FORECAST_NOTHING_NEW: {
    kind: "input",
    meaning: "There are no dates to judge by after the training, or none to train on before them.",
  },
  FORECAST_NOTHING_MOVES: {
    kind: "input",
    meaning: "Every price is the same, so there is nothing to learn and nothing to judge by.",
  },
  // portfolio
  PORTFOLIO_PRICES_INVALID: {
    kind: "input",
    meaning:
      "A price is zero, negative or given twice with different values, or no asset has a price that changes. The message names the line.",
  },
  PORTFOLIO_TOO_SHORT: {
    kind: "input",
    meaning: "There are too few periods with returns for what was asked. The message gives both numbers.",
  },
  PORTFOLIO_OPTION_INVALID: {
    kind: "input",
    meaning:
      "An option of an estimator, objective or constraint is outside its range, or missing where the objective needs it. The message names it.",
  },
  PORTFOLIO_CONSTRAINT_INVALID: {
    kind: "input",
    meaning:
      "A constraint in words cannot be read, or names an asset or group that is not there. The message shows the place and the nearest names.",
  },
  PORTFOLIO_VIEW_INVALID: {
    kind: "input",
    meaning:
      "A view on returns cannot be read, is not a finite number, names an asset that is not there, or asks for what no scenario reaches. The message shows the view.",
  },
  PORTFOLIO_FORECAST_INVALID: {
    kind: "input",
    meaning: "An asset has no forecast, or one whose mean, horizon or quantiles no price can follow.",
  },
  PORTFOLIO_INFEASIBLE: {
    kind: "conflict",
    meaning:
      "No weights satisfy all constraints. The message names the smallest set of them that contradict each other, and the nearest relaxation that has an answer.",
  },
  PORTFOLIO_UNBOUNDED: {
    kind: "input",
    meaning:
      "The objective has no best value under these constraints, such as a Sharpe ratio when no allowed portfolio earns more than the risk-free rate, or shares of risk when some weights have none.",
  },
  PORTFOLIO_NOT_SOLVED: {
    kind: "conflict",
    meaning:
      "The solver could not prove its answer to the tolerance it promises, so none is given. The message names the method, the gap it reached and the tolerance.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;
