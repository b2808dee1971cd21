// Rater module: labels the pairs that the reward model learns from.
import { noisyLabels } from "./labels.ts";

export default noisyLabels("rater");
