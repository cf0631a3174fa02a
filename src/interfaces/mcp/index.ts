export { type McpRouteOptions, mcpRoutes } from "./http.ts";
export { mcpCommand } from "./stdio.ts";
