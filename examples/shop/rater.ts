// Rater module (the labeler): labels the pairs that the reward model is trained on.
import { noisyLabels } from "./labels.ts";

export default noisyLabels("rater");
