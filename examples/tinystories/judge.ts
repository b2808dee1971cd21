// Judge module for promotion: prefers the story with the higher score by reader.ts, which is independent of
// the reward; 0.5 for a tie.
import type { JudgeModule } from "ratchet-rlhf";
import { readerScore } from "./reader.ts";

const judge: JudgeModule = (rows) =>
  rows.map(({ prompt, first, second }) => {
    const [a, b] = [readerScore(prompt, first).total, readerScore(prompt, second).total];
    return a > b ? 1 : a < b ? 0 : 0.5;
  });

export default judge;
