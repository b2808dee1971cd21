// Judge module: a reader who knows nothing of the reward (reader.ts) prefers the higher score; equal ones count half. Promotion asks it.
import type { JudgeModule } from "ratchet-rlhf";
import { readerScore } from "./reader.ts";

const judge: JudgeModule = (rows) =>
  rows.map(({ prompt, first, second }) => {
    const [a, b] = [readerScore(prompt, first).total, readerScore(prompt, second).total];
    return a > b ? 1 : a < b ? 0 : 0.5;
  });

export default judge;
