/** What a database or its connection failed with, as what the caller can act on. */
import { PlatformError } from "../../base/index.ts";

/** SQLSTATE classes and codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const unavailableStates = [
  "08", // connection exception
  "53300", // too many connections
  "57P01", // the server is shutting down
  "57P02",
  "57P03", // the server is starting up
  "57P05",
  "25P03", // a transaction was open without a statement for too long
  "57014", // statement timeout
  "55P03", // lock timeout
];
const addressStates = ["28", "3D000", "3F000", "42501"];
const connectionCodes =
  /^E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN|NOENT)$/;
const connectionMessages =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Client was closed|Query read timeout)/;

/**
 * A failure of the database in words for people; anything else comes back as it is.
 *
 * @param place what to call the database: an address without its password, or a folder
 */
export function asStateFailure(error: unknown, place: string): unknown {
  if (error instanceof PlatformError || !(error instanceof Error)) return error;
  const { code = "", message } = error as Error & { code?: string };
  if (code === "53100") {
    return new PlatformError(
      "unavailable",
      "DISK_FULL",
      `${place}: expected room on the disk, received: ${message}`,
      {
        cause: error,
      },
    );
  }
  const unavailable =
    connectionCodes.test(code) ||
    connectionMessages.test(message) ||
    unavailableStates.some((state) => code.startsWith(state));
  if (!unavailable) return error;
  // Several addresses of one name fail as one error without a message of its own.
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : [];
  return new PlatformError(
    "unavailable",
    "STATE_UNAVAILABLE",
    `${place}: the database could not be reached: ${message || first?.message || code}`,
    { cause: error },
  );
}

/** As `asStateFailure`, where a connection is opened for the first time: the address itself may be wrong. */
export function asOpenFailure(error: unknown, place: string): unknown {
  const { code = "", message = "" } = error as { code?: string; message?: string };
  if (!(error instanceof PlatformError) && addressStates.some((state) => code.startsWith(state)))
    return badAddress(`${place}: the server refused: ${message}`);
  return asStateFailure(error, place);
}

export function badAddress(message: string): PlatformError {
  return new PlatformError("input", "STATE_ADDRESS_INVALID", `DATABASE_URL: ${message}`, {
    field: "DATABASE_URL",
  });
}

/** @returns whether a statement was surely not carried out, because the server was leaving before it began */
export function wasNotBegun(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === "57P01" || code === "57P03";
}
