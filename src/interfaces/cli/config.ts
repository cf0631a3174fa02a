/** `fathom config`: every setting with its value and where it comes from. */
import {
  configurationDocument,
  configurationTable,
  expectFlags,
  settingsSchema,
} from "../configuration/index.ts";
import { messages } from "./messages.ts";
import type { ExtraCommand } from "./run.ts";

/** Takes every flag that is a setting, to show what a command with these flags would see. */
export const configCommand: ExtraCommand = {
  name: "config",
  summary: messages.configSummary,
  schema: settingsSchema,
  async run(_, { configuration, json, print }) {
    expectFlags(configuration);
    print(json ? JSON.stringify(configurationDocument(configuration)) : configurationTable(configuration));
  },
};
