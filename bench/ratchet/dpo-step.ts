// Dense DPO steps with the engine's own training loop, which tells when each step ends; the runtime tells twice a second at most.
import { readCheckpoint, train } from "../../engine/index.ts";
import type { TrainOptions, TrainRow } from "../../engine/index.ts";
import type { DpoStepWork } from "../work.ts";
import { readJsonLines, type Started } from "./started.ts";

/** Reads the clock after each of `count` steps on the whole batch. */
export async function steps(work: DpoStepWork, count: number, threads: number, checkpoint?: TrainOptions["checkpoint"]): Promise<{ losses: number[]; times: number[]; tokens: number }> {
  const rows = (await readJsonLines<{ chosen: number[]; rejected: number[]; promptLength: number }>(work.rows)).map(
    ({ chosen, rejected, promptLength }): TrainRow => ({ chosen: { ids: chosen, promptLength }, rejected: { ids: rejected, promptLength } }),
  );
  // As a runtime does it: what is read is let go.
  const start = () => readCheckpoint(work.model);
  const losses: number[] = [];
  const times: number[] = [];
  let tokens = 0;
  await train({
    task: { kind: "dpo", beta: work.beta },
    start,
    reference: start,
    rows,
    optimizer: { ...work.optimizer, epochs: count },
    threads,
    ...(checkpoint ? { checkpoint } : {}),
    onStep: (progress) => {
      times.push(performance.now() / 1000);
      losses.push(progress.record["loss"]!);
      tokens = progress.tokens;
    },
  });
  return { losses, times, tokens };
}

export async function startDpoStep(work: DpoStepWork, threads: number): Promise<Started> {
  return {
    facts: (await steps(work, work.checkSteps, threads)).losses,
    sample: async () => {
      // The first step, which also warms the session up, begins at a time that nobody tells.
      const { times, tokens } = await steps(work, work.steps + 1, threads);
      return { seconds: times.at(-1)! - times[0]!, amount: tokens * work.steps };
    },
  };
}
