/**
 * What a route says of itself. It stands in the route's own `config`, so that whatever the server answers is described: the OpenAPI
 * document is made of the routes, and a query is held to what the document promises.
 */
import type { z } from "zod";

export type Json = Record<string, unknown>;

/** A status with a refusal, in the words of the table beside the document. */
export type Refusal = 400 | 401 | 403 | 404 | 409 | 413 | 415 | 429 | 500 | 503;

export interface Operation {
  readonly id: string;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  /** What the query may hold: nothing when absent, anything for `any`. */
  readonly query?: z.ZodObject | "any";
  /** What the names in the address stand for: a text when absent. */
  readonly path?: Readonly<Record<string, Json>>;
  /** Header parameters. */
  readonly headers?: readonly Json[];
  readonly body?: Json;
  /** Answers that are no refusals, by status. */
  readonly answers: Readonly<Record<number, Json>>;
  /** What it may be refused with, beside what every route of its kind may. */
  readonly refusals?: readonly Refusal[];
  /** How refusals are written: RFC 9457 when absent, `{"error": "..."}` in the Open Inference Protocol. */
  readonly refusedAs?: "problem" | "error";
  /** Definitions that the above refers to, by name. */
  readonly schemas?: Json;
}

declare module "fastify" {
  interface FastifyContextConfig {
    operation?: Operation;
  }
}

export const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });
export const text = { type: "string" } as const;
export const media = (type: string, schema: Json) => ({ [type]: { schema } });

/** An answer with a body of JSON. */
export const json = (description: string, schema: Json, more: Json = {}): Json => ({
  description,
  content: media("application/json", schema),
  ...more,
});

/** An object of which every field is sent. */
export const object = (properties: Json): Json => ({
  type: "object",
  required: Object.keys(properties),
  properties,
});
