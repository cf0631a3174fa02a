/** Capabilities as the tools of an agent (Model Context Protocol, revision 2025-06-18 and later). */
import type { Tool } from "@modelcontextprotocol/sdk/types.js";
import type { Capability } from "../../base/index.ts";
import { type JsonSchema, jsonSchemaOf } from "../schema.ts";

/**
 * The name of a capability's tool. Clients take letters, digits, `_` and `-`; not all of them take a dot.
 *
 * @example
 * toolName({ name: "forecast.train" }); // => "forecast_train"
 */
export function toolName({ name }: Pick<Capability, "name">): string {
  return name.replaceAll(".", "_");
}

/** Whether an agent may see a capability at all: what answers with a secret has no place in a conversation. */
export function isForAgents({ secretOutput }: Capability): boolean {
  return secretOutput !== true;
}

export function toolOf(capability: Capability): Tool {
  const { summary, effect } = capability;
  const output = jsonSchemaOf(capability.output, "output");
  return {
    name: toolName(capability),
    title: summary,
    description: summary,
    inputSchema: asObject(jsonSchemaOf(capability.input)),
    // The protocol allows objects only; what answers otherwise answers as text.
    ...(output.type === "object" && { outputSchema: asObject(output) }),
    annotations: {
      title: capability.name,
      readOnlyHint: effect === "reads",
      destructiveHint: effect === "destroys",
      openWorldHint: false, // nothing leaves the house
    },
  };
}

function asObject(schema: JsonSchema): Tool["inputSchema"] {
  return { ...schema, type: "object" } as Tool["inputSchema"];
}
