import { badAddress } from "./failures.ts";

/**
 * Checks the address of a server, and says how to call it in a message.
 *
 * @returns the address without its password and parameters
 * @throws PlatformError `STATE_ADDRESS_INVALID`
 * @example
 * placeOf("postgres://fathom:secret@db.example:5433/fathom?sslmode=require"); // => "postgres://fathom@db.example:5433/fathom"
 */
export function placeOf(url: string): string {
  if (!URL.canParse(url))
    throw badAddress("expected postgres://user:password@host:5432/database, received something else");
  const { protocol, username, host, pathname } = new URL(url);
  if (protocol !== "postgres:" && protocol !== "postgresql:")
    throw badAddress(`expected an address that begins with postgres://, received one with ${protocol}//`);
  return `postgres://${username === "" ? "" : `${username}@`}${host}${pathname}`;
}
