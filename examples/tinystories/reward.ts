// Reward module: scores the answers that pairs are made of.
import type { RewardModule } from "../../campaign/modules.ts";
import { storyScore } from "./story.ts";

const reward: RewardModule = (rows) => rows.map(({ answer }) => storyScore(answer).total);

export default reward;
