export { messages as configurationMessages } from "./messages.ts";
export {
  type Configuration,
  type ConfigurationSources,
  expectFlags,
  resolveConfiguration,
  type Setting,
} from "./resolve.ts";
export {
  CommonSettings,
  otherVariables,
  type SettingSchema,
  Settings,
  secretFileVariables,
  settingSchemas,
  settingsSchema,
  variableOf,
  variablesOf,
} from "./schema.ts";
export { configurationDocument, configurationTable, withoutPassword } from "./show.ts";
