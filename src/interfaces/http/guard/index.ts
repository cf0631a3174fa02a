export { accessOf, type RouteAccess } from "./access.ts";
export { askerOf, type Caller, type GuardOptions, guardRoutes, mayReach } from "./guard.ts";
export { answerRawError } from "./raw-errors.ts";
