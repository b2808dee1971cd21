// Dense DPO steps with the engine's own training loop, because the runtime does not report when a step ends.
import { readCheckpoint, train } from "../../engine/index.ts";
import type { TrainOptions, TrainRow } from "../../engine/index.ts";
import type { DpoStepWork } from "../work.ts";
import { readJsonLines } from "./started.ts";
import type { Started } from "./started.ts";

type Hooks = Pick<TrainOptions, "checkpoint" | "onStep" | "signal">;

/** Takes `count` steps, each on all rows. */
export async function trainSteps(
  work: DpoStepWork,
  count: number,
  threads: number,
  hooks: Hooks,
): Promise<void> {
  const rows = (
    await readJsonLines<{ chosen: number[]; rejected: number[]; promptLength: number }>(work.rows)
  ).map(({ chosen, rejected, promptLength }): TrainRow => ({
    chosen: { ids: chosen, promptLength },
    rejected: { ids: rejected, promptLength },
  }));
  // Read again for each use, as the runtime does, so that the weights can be freed.
  const start = () => readCheckpoint(work.model);
  await train({
    task: { kind: "dpo", beta: work.beta },
    start,
    reference: start,
    rows,
    optimizer: { ...work.optimizer, epochs: count },
    threads,
    ...hooks,
  });
}

interface Taken {
  losses: number[];
  seconds: number;
  tokens: number;
}

/** More steps than any row takes. */
const STEPS_MAX = 10_000;

/**
 * One training that pauses between samples: its checkpoint callback does not return until the next steps are
 * wanted.
 */
class Steps {
  private readonly ended = new AbortController();
  private readonly training: Promise<void>;
  private resume: () => void = () => {};
  private resumed: Promise<void> = Promise.resolve();
  private wanted = 0;
  private began = 0;
  private taken: Taken = { losses: [], seconds: 0, tokens: 0 };
  private done: (taken: Taken) => void = () => {};

  constructor(work: DpoStepWork, threads: number) {
    this.training = trainSteps(work, STEPS_MAX, threads, {
      signal: this.ended.signal,
      onStep: ({ record, tokens }) => this.step(record["loss"]!, tokens),
      checkpoint: { everySteps: 1, everySeconds: 0, save: () => this.resumed },
    });
    // A failure reaches the caller of `take`.
    this.training.catch(() => {});
  }

  /** Takes `count` steps. The first call also loads the model and opens the sessions. */
  async take(count: number): Promise<Taken> {
    this.wanted = count;
    this.taken = { losses: [], seconds: 0, tokens: 0 };
    const finished = new Promise<Taken>((resolve) => (this.done = resolve));
    this.began = performance.now();
    this.resume();
    return Promise.race([
      finished,
      this.training.then(() => Promise.reject(new Error(`a row takes at most ${STEPS_MAX} steps`))),
    ]);
  }

  async end(): Promise<void> {
    this.ended.abort();
    this.resume();
    await this.training.catch(() => {});
  }

  private step(loss: number, tokens: number): void {
    this.taken.losses.push(loss);
    this.taken.tokens += tokens;
    if (this.taken.losses.length < this.wanted) return;
    this.taken.seconds = (performance.now() - this.began) / 1000;
    this.resumed = new Promise((resolve) => (this.resume = resolve));
    this.done(this.taken);
  }
}

export async function startDpoStep(work: DpoStepWork, threads: number): Promise<Started> {
  const steps = new Steps(work, threads);
  return {
    facts: (await steps.take(work.checkSteps)).losses,
    sample: async () => {
      const { seconds, tokens } = await steps.take(work.steps);
      return { seconds, amount: tokens };
    },
    close: () => steps.end(),
  };
}
