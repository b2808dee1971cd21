export type { Loss } from "./types.ts";
export { sftLoss } from "./sft.ts";
export { rewardLoss } from "./reward.ts";
export type { RewardSettings } from "./reward.ts";
export { needsReference, needsWholeBatch, preferenceLoss } from "./preference.ts";
export type { PairSums, PreferenceName, PreferenceSettings, PreferenceTerm } from "./preference.ts";
export { ktoLoss } from "./kto.ts";
export type { KtoSettings, KtoSums } from "./kto.ts";
