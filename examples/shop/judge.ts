// Judge module: people of the same kind as the raters, who never labelled a training pair. Their labels decide promotion.
import { noisyLabels } from "./labels.ts";

export default noisyLabels("judge");
