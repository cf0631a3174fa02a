import { describe, expect, test } from "vitest";
import { readRelations } from "./words.ts";

const names = ["AAPL", "MSFT", "BRK-B", "BRK", "B", "600519", "tech", "gross", "US bonds"];
const read = (sentence: string) =>
  readRelations(sentence, names).map(({ kind, coefficients, constant }) => [
    kind,
    Object.fromEntries(coefficients),
    constant,
  ]);

describe("a constraint in words", () => {
  test.each([
    ["tech <= 0.3", [["<=", { tech: 1 }, -0.3]]],
    ["tech<=30%", [["<=", { tech: 1 }, -0.3]]],
    ["AAPL >= 2 * MSFT", [["<=", { MSFT: 2, AAPL: -1 }, 0]]],
    ["AAPL = MSFT / 4 + 0.1", [["=", { AAPL: 1, MSFT: -0.25 }, -0.1]]],
    [
      "0.1 <= AAPL + aapl <= .5",
      [
        ["<=", { AAPL: -2 }, 0.1],
        ["<=", { AAPL: 2 }, -0.5],
      ],
    ],
    ["BRK-B - BRK > B", [["<=", { B: 1, "BRK-B": -1, BRK: 1 }, 0]]],
    ["600519 < 0.05", [["<=", { "600519": 1 }, -0.05]]],
    ["'us bonds' >= 2e-1", [["<=", { "US bonds": -1 }, 0.2]]],
    ["-AAPL + 3*0.1 <= gross", [["<=", { AAPL: -1, gross: -1 }, 3 * 0.1]]],
  ])("reads %s", (sentence, relations) => expect(read(sentence)).toEqual(relations));

  test.each([
    ["APPL <= 0.3", 'received "APPL"; did you mean "AAPL"?'],
    ["tech", "expected a comparison such as <= or >= at character 5, received the end"],
    [
      "tech <=",
      "expected a number or the name of an asset, group or factor at character 8, received the end",
    ],
    ["0.1 <= 0.2", "expected the name of an asset, group or factor"],
    ["AAPL * MSFT <= 1", "a product of two names is not linear"],
    ["AAPL / 0 <= 1", "a divisor that is not 0"],
    ["AAPL 0.3 <= 1", "expected a comparison such as <= or >= at character 6"],
    ["", "expected a number or the name"],
  ])("refuses %s", (sentence, message) => expect(() => read(sentence)).toThrow(message));
});
