// Gold module (the true reward): the reward's rule with its parts, for the test report.
import type { GoldModule } from "ratchet-rlhf";
import { storyScore } from "./story.ts";

const gold: GoldModule = (rows) => rows.map(({ answer }) => storyScore(answer));

export default gold;
