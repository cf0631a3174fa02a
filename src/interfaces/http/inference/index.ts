export { type InferenceRouteOptions, inferenceRoutes } from "./routes.ts";
