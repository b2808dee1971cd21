// Judge module: simulated people like the labelers, with labels of their own that are never trained on. They
// decide promotion.
import { noisyLabels } from "./labels.ts";

export default noisyLabels("judge");
