// The parts of the PostgreSQL wire protocol, version 3, that the server of the embedded database speaks itself.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
// Plain JavaScript, because the thread that uses it is started from a file that must serve the sources and the build.

const protocol3 = 196_608;
const cancelRequest = 80_877_102;
const sslRequest = 80_877_103;
const gssRequest = 80_877_104;
/** The largest message that is waited for; a length field of nonsense must not fill the memory. */
export const largestMessage = 256 * 1024 * 1024;

const frontendTypes = new Set([..."QPBDECSHXdcfFp"]);
/** A message that asks for an answer: up to here a batch belongs together. */
const unitEnds = new Set([..."QSHF"]);
export const endsUnit = (type) => unitEnds.has(type);

/**
 * The first packet of a connection, which has no type.
 *
 * @param {Buffer} buffer
 * @returns {{ kind: "startup" | "cancel" | "encryption" | "unknown", length: number } | undefined} undefined: not whole yet
 */
export function readStartup(buffer) {
  if (buffer.length < 8) return undefined;
  const length = buffer.readInt32BE(0);
  const code = buffer.readInt32BE(4);
  if (length < 8 || length > 10_000) return { kind: "unknown", length };
  if (buffer.length < length) return undefined;
  if (code === sslRequest || code === gssRequest) return { kind: "encryption", length };
  if (code === cancelRequest) return { kind: "cancel", length };
  return { kind: code >> 16 === protocol3 >> 16 ? "startup" : "unknown", length };
}

/**
 * The message at the beginning of a buffer, from either side.
 *
 * @param {Buffer} buffer
 * @param {number} [start]
 * @returns {{ type: string, length: number } | undefined} `length` with the type; undefined: not whole yet
 */
export function readMessage(buffer, start = 0) {
  if (buffer.length < start + 5) return undefined;
  const length = buffer.readInt32BE(start + 1) + 1;
  const type = String.fromCharCode(buffer[start]);
  return buffer.length < start + length && length <= largestMessage ? undefined : { type, length };
}

/** @returns {boolean} whether a client may send such a message */
export const isFrontend = ({ type, length }) =>
  frontendTypes.has(type) && length >= 5 && length <= largestMessage;

/** @returns {Buffer} a message of a type with a body */
export function message(type, ...parts) {
  const body = Buffer.concat(
    parts.map((part) => (typeof part === "string" ? Buffer.from(`${part}\0`) : part)),
  );
  const head = Buffer.alloc(5);
  head.write(type, 0, "latin1");
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export const query = (text) => message("Q", text);
export const sync = message("S");
export const closeStatement = (name) => message("C", Buffer.from("S"), name);

/** What a server says when it ends a connection or refuses one; the client's driver makes an error of it. */
export const fatal = (code, text) =>
  message("E", Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${text}\0`), Buffer.from([0]));

/** The answer to a startup packet: no password is asked for, since only the owner can open the socket. */
export function welcome(parameters, id) {
  const key = Buffer.alloc(8);
  key.writeInt32BE(id, 0);
  return Buffer.concat([
    message("R", Buffer.alloc(4)),
    ...Object.entries(parameters).map(([name, value]) => message("S", name, value)),
    message("K", key),
    message("Z", Buffer.from("I")),
  ]);
}

/** The text at an offset, up to its zero byte. */
export function textAt(buffer, offset) {
  const end = buffer.indexOf(0, offset);
  return buffer.toString("utf8", offset, end < 0 ? buffer.length : end);
}

/**
 * What a session answered.
 *
 * @param {Buffer} output whole messages
 * @returns {{ status: "I" | "T" | "E" | undefined, settings: boolean, rows: (string | null)[][] }} the transaction status at the end,
 * if it is ready for more; whether settings of the session may have changed; the rows as text
 */
export function readAnswer(output, { rows: wantsRows = false } = {}) {
  let status;
  let settings = false;
  const rows = [];
  for (let at = 0; at + 5 <= output.length; ) {
    const type = output[at];
    const length = output.readInt32BE(at + 1) + 1;
    if (type === 0x5a)
      status = String.fromCharCode(output[at + 5]); // Z
    else if (type === 0x43)
      settings ||= /^(SET|RESET|DISCARD)/.test(output.toString("latin1", at + 5, at + 13)); // C
    else if (type === 0x44 && wantsRows) rows.push(readRow(output, at + 5)); // D
    at += length;
  }
  return { status, settings, rows };
}

function readRow(output, start) {
  const row = [];
  let at = start + 2;
  for (let column = output.readInt16BE(start); column > 0; column--) {
    const length = output.readInt32BE(at);
    at += 4;
    row.push(length < 0 ? null : output.toString("utf8", at, at + length));
    at += Math.max(0, length);
  }
  return row;
}
