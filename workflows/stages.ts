// Runs the stages of one place, one after the other or side by side: fan-outs closed by `seal`, single activities, the pause that
// may come at any time, and the next run where history has become long. A pause cancels what runs (train saves a checkpoint, shards keep
// their finished pieces) and runs it again after the resume: finished work is adopted by its address, so nothing is lost and the machine
// is free within seconds.
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type {
  FanOutInput,
  PairInput,
  Promoted,
  PromoteInput,
  ShardDone,
  StageActivities,
  StageDone,
  Trained,
  TrainInput,
} from "../activities/contract.ts";
import { placeName } from "../campaign/ids.ts";
import type { BegunStage, FinishedStage, PlaceInput, Reached, Shard, StageInput } from "../campaign/types.ts";
import { stageProgress } from "./messages.ts";
import type { StageProgress } from "./messages.ts";
import { control, stageActivities } from "./options.ts";
import { NEXT_SHARD_AT_ONCE } from "./patches.ts";

/** Parent to child: the campaign is paused or goes on. */
export const setPaused = defineSignal<[boolean]>("setPaused");

/** A stage's own input, without what every stage is told. */
type Own<I extends StageInput> = I extends StageInput ? Omit<I, keyof StageInput> : never;
type AnyInput = FanOutInput | PairInput | TrainInput | PromoteInput;
type Finished<D extends StageDone> = Omit<D, "values">;

interface Running {
  scope: CancellationScope;
  progress: StageProgress;
  /** By a pause. */
  interrupted: boolean;
}

export class Stages {
  private readonly input: PlaceInput;
  private readonly base: StageInput;
  private readonly reached: Reached;
  private readonly running = new Map<string, Running>();
  private paused = false;
  /** Fan-outs none of whose shards run, until the run can go on as new. */
  private resting = 0;

  constructor(input: PlaceInput) {
    const { campaign, epoch, place, reached } = input;
    this.input = input;
    this.base = { campaign, epoch, place };
    this.reached = { stages: {}, begun: {}, ...reached };
    setHandler(stageProgress, () => progressOf([...this.running.values()].map(({ progress }) => progress)));
    setHandler(setPaused, (paused) => this.pause(paused));
  }

  /** One activity per shard, `plan.maxConcurrentShards` of them at once; then `seal` finds their pieces by address. */
  fanOut(own: Own<FanOutInput>, pieces: number): Promise<Finished<StageDone>> {
    const input = { ...this.base, ...own } as FanOutInput;
    const shards = cutShards(pieces, this.input.plan.shardPieces);
    return this.stage(input, shards.length, async (begun, progress) => {
      while (begun.shards < shards.length) {
        await this.goOnAsNew();
        await this.shards(input, shards, begun, progress);
      }
      return control.seal(input);
    });
  }

  /**
   * Runs shards until all are done or history has become long; none of them runs any more then. `begun.shards` keeps up, so that after a pause
   * only the first that is not done and those behind it are visited again.
   */
  private async shards(
    input: FanOutInput,
    shards: readonly Shard[],
    begun: BegunStage,
    progress: StageProgress,
  ): Promise<void> {
    const atOnce = Math.min(this.input.plan.maxConcurrentShards, shards.length - begun.shards);
    const refill = patched(NEXT_SHARD_AT_ONCE);
    const done = new Set<number>();
    let next = begun.shards;
    const oneAfterAnother = async (): Promise<void> => {
      do {
        const shard = shards[next++]!;
        await this.shard(input, shard, progress);
        done.add(shard.index);
        while (refill && done.delete(begun.shards)) begun.shards += 1;
      } while (refill && next < shards.length && !workflowInfo().continueAsNewSuggested);
    };
    await Promise.all(Array.from({ length: atOnce }, oneAfterAnother));
    begun.shards = next;
  }

  pair(own: Own<PairInput>): Promise<Finished<StageDone>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.pair(input));
  }

  train(own: Own<TrainInput>): Promise<Finished<Trained>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.train(input));
  }

  promote(own: Own<PromoteInput>): Promise<Finished<Promoted>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.promote(input));
  }

  private single<I extends AnyInput, D extends StageDone>(
    input: I,
    run: (activities: StageActivities, input: I) => Promise<D>,
  ): Promise<Finished<D>> {
    const summary = `${placeName(input.place)} ${input.stage}`;
    return this.stage(input, 1, () => run(stageActivities(this.input.plan, input.stage, summary), input));
  }

  private async shard(input: FanOutInput, shard: Shard, progress: StageProgress): Promise<void> {
    const activities = stageActivities(
      this.input.plan,
      input.stage,
      `${placeName(input.place)} ${input.stage} ${shard.index + 1}/${progress.shardsTotal}`,
    );
    const run = activities[input.stage] as (input: FanOutInput, shard: Shard) => Promise<ShardDone>;
    await run(input, shard);
    progress.shardsDone += 1;
  }

  /** A stage that an earlier run finished returns at once. */
  private async stage<D extends StageDone>(
    input: AnyInput,
    shardsTotal: number,
    work: (begun: BegunStage, progress: StageProgress) => Promise<D>,
  ): Promise<Finished<D>> {
    const { stages, begun } = this.reached;
    const name = nameOf(input);
    const known = stages[name];
    if (known) return known as Finished<D>;
    const { values: _shown, ...finished } = await this.pausable(name, input, shardsTotal, work);
    stages[name] = finished as FinishedStage;
    delete begun[name];
    return finished;
  }

  private async pausable<T>(
    name: string,
    { stage, place }: AnyInput,
    shardsTotal: number,
    work: (begun: BegunStage, progress: StageProgress) => Promise<T>,
  ): Promise<T> {
    for (;;) {
      // Awaiting here lets a pause that arrived between two stages hold the next one back.
      await condition(() => !this.paused);
      const begun = this.begin(name);
      const progress = {
        place,
        stage,
        shardsDone: begun.shards,
        shardsTotal,
        startedAtMs: begun.startedAtMs,
      };
      const running = { scope: new CancellationScope(), progress, interrupted: false };
      this.running.set(name, running);
      try {
        return await running.scope.run(() => work(begun, progress));
      } catch (error) {
        if (!isCancellation(error) || !running.interrupted) throw error;
      } finally {
        this.running.delete(name);
      }
    }
  }

  /** What the run before it, or a pause, left of a stage. */
  private begin(name: string): BegunStage {
    const { reached } = this;
    reached.begun[name] ??= { shards: reached.shards ?? 0, startedAtMs: reached.startedAtMs ?? Date.now() };
    // A run of before the record was by stage told this of its only one.
    delete reached.shards;
    delete reached.startedAtMs;
    return reached.begun[name];
  }

  /** Called where nothing of a fan-out runs: if history asks for it, and all that runs has come that far, the next run goes on from here. */
  private async goOnAsNew(): Promise<void> {
    // A pause is told to this run only.
    if (this.paused || !workflowInfo().continueAsNewSuggested) return;
    this.resting += 1;
    try {
      await condition(() => this.resting === this.running.size);
    } finally {
      this.resting -= 1;
    }
    await continueAsNew<(input: PlaceInput) => Promise<unknown>>({ ...this.input, reached: this.reached });
  }

  private pause(paused: boolean): void {
    this.paused = paused;
    if (!paused) return;
    for (const running of this.running.values()) {
      running.interrupted = true;
      running.scope.cancel();
    }
  }
}

/** Of stages side by side the one that began first, and what is alike. */
function progressOf(running: readonly StageProgress[]): StageProgress | null {
  const [first] = running;
  if (!first) return null;
  const alike = running.filter(({ stage }) => stage === first.stage);
  const sum = (key: "shardsDone" | "shardsTotal"): number =>
    alike.reduce((total, progress) => total + progress[key], 0);
  return { ...first, shardsDone: sum("shardsDone"), shardsTotal: sum("shardsTotal") };
}

/** A place generates, evaluates and trains more than once: its stages are told apart by what they work on. */
function nameOf(input: AnyInput): string {
  if (input.stage === "generate") return `generate/${input.source}`;
  if (input.stage === "evaluate") return `evaluate/${input.split}`;
  return input.stage;
}

/** Runs of whole pieces: `pieces` = 10, `size` = 4 gives [0,4) [4,8) [8,10). */
export function cutShards(pieces: number, size: number): Shard[] {
  return Array.from({ length: Math.ceil(pieces / size) }, (_, index) => ({
    index,
    from: index * size,
    to: Math.min(pieces, (index + 1) * size),
  }));
}
