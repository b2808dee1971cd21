// Dense DPO steps with the engine's own training loop, which tells when each step ends; the runtime tells twice a second at most.
import { readCheckpoint, train } from "../../engine/index.ts";
import type { TrainOptions, TrainRow } from "../../engine/index.ts";
import type { DpoStepWork } from "../work.ts";
import { readJsonLines } from "./started.ts";
import type { Started } from "./started.ts";

type Hooks = Pick<TrainOptions, "checkpoint" | "onStep" | "signal">;

/** `count` steps on the whole batch. */
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
  // As a runtime does it: what is read is let go.
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

/** More steps than a row takes. */
const plenty = 10_000;

/** One training that takes steps when it is told to and waits between: its checkpoint is not done until it may go on. */
class Steps {
  private readonly ended = new AbortController();
  private readonly training: Promise<void>;
  private goOn: () => void = () => {};
  private mayGo: Promise<void> = Promise.resolve();
  private wanted = 0;
  private began = 0;
  private taken: Taken = { losses: [], seconds: 0, tokens: 0 };
  private done: (taken: Taken) => void = () => {};

  constructor(work: DpoStepWork, threads: number) {
    this.training = trainSteps(work, plenty, threads, {
      signal: this.ended.signal,
      onStep: ({ record, tokens }) => this.step(record["loss"]!, tokens),
      checkpoint: { everySteps: 1, everySeconds: 0, save: () => this.mayGo },
    });
    // Whoever waits for a step is told.
    this.training.catch(() => {});
  }

  /** The first one also loads the model and opens the sessions. */
  async take(count: number): Promise<Taken> {
    this.wanted = count;
    this.taken = { losses: [], seconds: 0, tokens: 0 };
    const finished = new Promise<Taken>((resolve) => (this.done = resolve));
    this.began = performance.now();
    this.goOn();
    return Promise.race([
      finished,
      this.training.then(() => Promise.reject(new Error(`a row takes at most ${plenty} steps`))),
    ]);
  }

  async end(): Promise<void> {
    this.ended.abort();
    this.goOn();
    await this.training.catch(() => {});
  }

  private step(loss: number, tokens: number): void {
    this.taken.losses.push(loss);
    this.taken.tokens += tokens;
    if (this.taken.losses.length < this.wanted) return;
    this.taken.seconds = (performance.now() - this.began) / 1000;
    this.mayGo = new Promise((resolve) => (this.goOn = resolve));
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
