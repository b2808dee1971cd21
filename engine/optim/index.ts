export { adamScalars, learningRateAt } from "./settings.ts";
export type { AdamScalars, OptimizerSettings } from "./settings.ts";
export { adamw, declareAdamInputs, globalNorm } from "./adamw.ts";
