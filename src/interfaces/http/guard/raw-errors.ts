/** What Node's parser refuses before there is a request: answered as a problem too, and the connection closed. */
import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { ErrorCode } from "../../../base/index.ts";
import { problemOf } from "../../failure.ts";
import { messages } from "../messages.ts";

interface RawAnswer {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
}

const answers: Readonly<Record<string, RawAnswer>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: "HEADERS_TOO_LARGE", message: messages.headersTooLarge },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: "REQUEST_TIMEOUT", message: messages.requestTimeout },
};
const malformed: RawAnswer = { status: 400, code: "INPUT_INVALID", message: messages.notHttp };

export function answerRawError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const { status, code, message } = answers[error.code ?? ""] ?? malformed;
  const body = JSON.stringify(problemOf({ kind: "input", code, message, details: {} }, status));
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      "content-type: application/problem+json",
      `content-length: ${Buffer.byteLength(body)}`,
      "connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}
