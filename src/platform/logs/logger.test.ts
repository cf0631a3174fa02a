import fc from "fast-check";
import { expect, test } from "vitest";
import { createLogger, hiddenFields, redact } from "./logger.ts";

test("writes one JSON object a line, with its level, and nothing below it", () => {
  const lines: string[] = [];
  const logger = createLogger({
    level: "info",
    destination: { write: (line: string) => void lines.push(line) },
  });
  logger.child({ reqId: "7" }).info({ model: "m", apiKey: "k", rows: [{ email: "a@b" }] }, "loaded");
  logger.debug("not this one");
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0])).toMatchObject({
    level: 30,
    reqId: "7",
    model: "m",
    apiKey: "[hidden]",
    rows: [{ email: "[hidden]" }],
    msg: "loaded",
  });
});

test("keeps the message and the place of an error", () => {
  const lines: string[] = [];
  createLogger({ level: "info", destination: { write: (line: string) => void lines.push(line) } }).error(
    { err: new Error("it broke") },
    "a mistake of ours",
  );
  expect(JSON.parse(lines[0]).err).toMatchObject({
    message: "it broke",
    stack: expect.stringContaining("logger.test"),
  });
});

test("never writes a hidden field, however it is spelled and wherever it lies", () => {
  const spelling = fc
    .constantFrom(...hiddenFields)
    .chain((name) =>
      fc.constantFrom(
        name,
        name.toUpperCase(),
        `${name[0].toUpperCase()}${name.slice(1)}`,
        [...name].join("_"),
        [...name].join("-"),
      ),
    );
  fc.assert(
    fc.property(spelling, fc.array(fc.constantFrom("list", "object"), { maxLength: 6 }), (name, path) => {
      const leaf: unknown = { [name]: "the secret", open: 1 };
      const value = path.reduce((inner, kind) => (kind === "list" ? [inner] : { a: inner }), leaf);
      const text = JSON.stringify(redact(value));
      expect(text).not.toContain("the secret");
      expect(text).toContain('"open":1');
    }),
  );
});
