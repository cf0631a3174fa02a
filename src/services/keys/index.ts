export { keysCapabilitiesOf, serverScopes } from "./capabilities.ts";
export {
  CreateInput,
  IssuedOutput,
  KeyView,
  ListInput,
  ListOutput,
  RevokeInput,
  RevokeOutput,
  RotateInput,
  RotateOutput,
} from "./schema.ts";
