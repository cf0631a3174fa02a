/** English text for agents, in one place so that it can be translated. */
export const messages = {
  title: "Fathom",
  instructions:
    "Deep networks for finance on the user's own machine. Each tool is one capability; paths start at the data folder of a server, or at the working folder of a local process; the price file 'simulated' is a built-in market. The resources are the documentation.",
  unknownTool: (name: string) =>
    `expected the name of a tool, received ${JSON.stringify(name)}; tools/list shows them`,
  unknownResource: (uri: string) => `expected a resource of resources/list, received ${JSON.stringify(uri)}`,
  scopeMissing: (scope: string, held: readonly string[]) =>
    `expected a key with the scope ${scope}, received one with ${held.join(", ")}`,
  notJson: "expected one JSON-RPC message on each line, received a line that is not JSON",
  notMessage: "expected one JSON-RPC message on each line, received other JSON",
  unknownSession: "expected the id of a session of this key, received another; initialize anew",
  tooManySessions: (limit: number) => `expected room for one more session, received more than ${limit}`,
  commandSummary: "Serve every capability to an agent (Model Context Protocol) on standard input and output",
} as const;
