import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { CommonSettings, otherVariables, settingSchemas } from "../src/interfaces/configuration/index.ts";
import { configurationPage } from "./support/configuration-page.ts";

const page = path.join(import.meta.dirname, "../docs/configuration.md");

test("keeps docs/configuration.md equal to the schema (UPDATE=1 rewrites the page)", () => {
  const wanted = configurationPage({
    settings: settingSchemas,
    common: Object.keys(CommonSettings.shape),
    others: otherVariables,
  });
  if (process.env["UPDATE"] === "1") writeFileSync(page, wanted);
  expect(readFileSync(page, "utf8")).toBe(wanted);
});
