/** A query is held to what its route declares, as a body is to the schema of its capability: a misspelt field is not passed over. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";
import { parseInput } from "../call.ts";
import { nameField } from "./input.ts";

const nothing = z.object({});

/** Handlers then find the query with its defaults. @throws PlatformError `INPUT_INVALID` naming the field, in a hook */
export function holdQueries(app: FastifyInstance): void {
  app.addHook("onRequest", async (request) => {
    const { config, method, url } = request.routeOptions;
    const { operation } = config;
    if (operation === undefined || operation.query === "any") return;
    const asked = { name: `the query of ${[method].flat()[0]} ${url}`, input: operation.query ?? nothing };
    request.query = parseInput(asked, { ...(request.query as object) }, nameField);
  });
}
