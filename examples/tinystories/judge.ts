// Judge module: the higher score wins, equal ones count half. Not held out, because here the rule itself is the aim.
import type { JudgeModule } from "ratchet-rlhf";
import { storyScore } from "./story.ts";

const judge: JudgeModule = (rows) =>
  rows.map(({ first, second }) => {
    const [a, b] = [storyScore(first).total, storyScore(second).total];
    return a > b ? 1 : a < b ? 0 : 0.5;
  });

export default judge;
