export { type Registered, registerArtifact, rightsToRegister, targetOf, VersionTarget } from "./register.ts";
