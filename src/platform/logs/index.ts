export { createLogger, hiddenFields, type LoggerOptions, redact } from "./logger.ts";
