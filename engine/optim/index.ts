export { adamScalars, learningRateAt } from "./settings.ts";
export type { AdamScalars, OptimizerSettings } from "./settings.ts";
export { AdamW } from "./adamw.ts";
export type { AdamArrays } from "./adamw.ts";
