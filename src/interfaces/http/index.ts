export { checkPort, listen, localNames } from "./listen.ts";
export { buildServer, type ServerOptions } from "./server.ts";
