/** English text of jobs at the edges, in one place so that it can be translated. */
export const messages = {
  internal: (id: string) => `a mistake of ours; the log of the worker has more under job ${id}`,
  unknownCapability: (name: string, hint: string) =>
    `capability: expected one that can run as a job, received ${JSON.stringify(name)}${hint}`,
} as const;
