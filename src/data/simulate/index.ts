export type { Defect } from "./defects.ts";
export { type SimulatedMarket, type SimulatedMarketOptions, simulatedMarket } from "./market.ts";
export { type TrueMeanSkill, type TrueMeanSkillOptions, trueMeanSkill } from "./true-mean-skill.ts";
