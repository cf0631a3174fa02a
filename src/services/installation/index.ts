export { checkEngine, type EngineCheck } from "./check-engine.ts";
