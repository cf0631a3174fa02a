import { describe, expect, test } from "vitest";
import { keyFrom } from "../../base/index.ts";
import { input, slice } from "../../engine/index.ts";
import { FtTransformer } from "./ft-transformer.ts";
import { TabMlp } from "./tab-mlp.ts";

const key = keyFrom(1);

describe("a table's row", () => {
  const model = new TabMlp({ numbers: 2, categories: [3], outputs: 1 }, key);
  const [numbers, codes] = [input("numbers", ["batch", 2]), input("codes", ["batch", 1], "int64")];
  test("has the columns that the model was made for", () => {
    expect(model.apply({ numbers, codes }).shape).toEqual(["batch", 1]);
    expect(() => model.apply({ numbers })).toThrow("tabMlp: expected codes [batch, 1], received none");
    expect(() => model.apply({ numbers: slice(numbers, 1, 0, 1), codes })).toThrow(
      "tabMlp: expected numbers [batch, 2], received [batch, 1]",
    );
    const numeric = new FtTransformer({ numbers: 2, categories: [], outputs: 1, hiddenSize: 8 }, key);
    expect(numeric.apply({ numbers }).shape).toEqual(["batch", 1]);
    expect(() => numeric.apply({ numbers, codes })).toThrow("expected no codes, received [batch, 1]");
    expect(() => new TabMlp({ numbers: 0, categories: [], outputs: 1 }, key)).toThrow(
      "expected numbers of 1",
    );
  });
});
