export { messages as configurationMessages } from "./messages.ts";
export {
  type Configuration,
  type ConfigurationSources,
  resolveConfiguration,
  type Setting,
} from "./resolve.ts";
export {
  otherVariables,
  type SettingSchema,
  Settings,
  settingSchemas,
  settingsSchema,
  variableOf,
  variablesOf,
} from "./schema.ts";
export { configurationDocument, configurationTable, withoutPassword } from "./show.ts";
