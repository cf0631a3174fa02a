/** English text for agents, in one place so that it can be translated. */
export const messages = {
  title: "Fathom",
  instructions:
    "Deep networks for finance on the user's own machine. Each tool is one capability; paths start at the data folder of a server, or at the working folder of a local process; the price file 'simulated' is a built-in market. The resources are the documentation.",
  unknownTool: (name: string) =>
    `expected the name of a tool, received ${JSON.stringify(name)}; tools/list shows them`,
  unknownResource: (uri: string) => `expected a resource of resources/list, received ${JSON.stringify(uri)}`,
  notJson: "expected one JSON-RPC message on each line, received a line that is not JSON",
  notMessage: "expected one JSON-RPC message on each line, received other JSON",
  unknownSession: "expected the id of a session of this key, received another; initialize anew",
  tooManySessions: (limit: number) => `expected room for one more session, received more than ${limit}`,
  commandSummary: "Serve every capability to an agent (Model Context Protocol) on standard input and output",
  /** The route of a server, as its OpenAPI document describes it. */
  http: {
    description:
      "Model Context Protocol, streamable HTTP. Begin with `initialize`; the answer's `Mcp-Session-Id` goes with every further message. A session belongs to its key, which sees the tools that its scopes allow.",
    send: "Send a message of an agent",
    listen: "Hear what the server says between answers, as server-sent events",
    close: "End a session",
    message: "a JSON-RPC 2.0 message",
    session: "the session, as the answer to `initialize` names it",
    version: "the revision of the protocol that was agreed on",
    answer: "The answer, or a stream that ends with it",
    accepted: "A notification or an answer was taken",
    stream: "A stream of messages",
    closed: "The session has ended",
    malformed: "No JSON-RPC message, or none that fits the session",
    unknownSession: "No session of this key has this id; initialize anew",
    notAcceptable:
      "`Accept` has to name application/json and text/event-stream (text/event-stream to listen)",
    oneStream: "The session is listened to already",
  },
} as const;
