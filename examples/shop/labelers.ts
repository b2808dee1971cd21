// Labelers module: simulated people who compare the answers that are trained on.
import { noisyLabels } from "./labels.ts";

export default noisyLabels("labelers");
