export type { Loss } from "./types.ts";
export { sftLoss } from "./sft.ts";
export { rewardLoss } from "./reward.ts";
export { dpoLoss } from "./dpo.ts";
