import type { Capability } from "../base/index.ts";

/**
 * `maxDrawdown` as `max-drawdown`: how flags, actions and addresses are written.
 *
 * @example
 * kebabCase("horizonDays"); // => "horizon-days"
 */
export function kebabCase(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
}

/** The service and the action of a capability, as they are written in commands and addresses. */
export function addressOf(capability: Pick<Capability, "name">): { service: string; action: string } {
  const [service, action] = capability.name.split(".");
  return { service: kebabCase(service), action: kebabCase(action) };
}
