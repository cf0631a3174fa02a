import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashOf, newToken, prefixOf, sameHash, tokenPattern } from "./token.ts";

const bytesThat = (fill: (index: number) => number) => ({
  randomBytes: (count: number) => Uint8Array.from({ length: count }, (_, i) => fill(i)),
});
const { prefix, token } = newToken(bytesThat((i) => i));

test("has the same form for the smallest and the largest secret", () => {
  for (const fill of [0, 255]) {
    const made = newToken(bytesThat(() => fill));
    expect(made.token).toMatch(tokenPattern);
    expect(prefixOf(made.token)).toBe(made.prefix);
  }
  expect(prefix).toBe("0001020304050607");
  expect(token).toHaveLength(7 + 16 + 1 + 43 + 6);
});

test("writes the secret in base 62, so that every bit of it is in the token", () => {
  const secret = token.slice(24, 24 + 43);
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const value = [...secret].reduce((sum, digit) => sum * 62n + BigInt(digits.indexOf(digit)), 0n);
  expect(value.toString(16).padStart(64, "0")).toBe(
    Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(2, "0")).join(""),
  );
});

test("notices every slip of one character by its checksum", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: token.length - 1 }),
      fc.constantFrom(..."0123456789abcdefXYZ_"),
      (place, letter) => {
        const slipped = token.slice(0, place) + letter + token.slice(place + 1);
        expect(prefixOf(slipped)).toBe(slipped === token ? prefix : undefined);
      },
    ),
  );
});

test("is not taken in by any other text", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((tail) => token + tail),
      ),
      (text) => {
        expect(prefixOf(text)).toBe(text === token ? prefix : undefined);
      },
    ),
  );
});

describe("the hash", () => {
  test("depends on every byte of the token and on the key of the installation", () => {
    const key = new Uint8Array(32);
    expect(hashOf(token, key)).toBe(hashOf(token, key));
    expect(hashOf(`${token.slice(0, -1)}!`, key)).not.toBe(hashOf(token, key));
    expect(hashOf(token, new Uint8Array(32).fill(1))).not.toBe(hashOf(token, key));
  });
  test("is HMAC-SHA-256 (RFC 4231, test case 2)", () => {
    expect(hashOf("what do ya want for nothing?", Buffer.from("Jefe"))).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
  });
  test("is compared whole", () => {
    expect(sameHash("00ff", "00ff")).toBe(true);
    expect(sameHash("00ff", "00fe")).toBe(false);
    expect(sameHash("00ff", "00")).toBe(false);
  });
});
