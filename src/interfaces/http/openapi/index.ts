export { capabilityOperation, exampleOf, type Mode, routeOf } from "./capability-operation.ts";
export { type OpenApiOptions, openApiDocument } from "./document.ts";
export { type Json, json, media, type Operation, object, type Refusal, ref, text } from "./operation.ts";
