export { type BestSkill, type BestSkillOptions, bestReachableSkill } from "./best-skill.ts";
export type { Defect } from "./defects.ts";
export { type SimulatedMarket, type SimulatedMarketOptions, simulatedMarket } from "./market.ts";
