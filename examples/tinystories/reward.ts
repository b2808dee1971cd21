// Reward module: scores the answers that pairs are made of.
import type { RewardModule } from "ratchet-rlhf";
import { storyScore } from "./story.ts";

const reward: RewardModule = (rows) => rows.map(({ answer }) => storyScore(answer).total);

export default reward;
