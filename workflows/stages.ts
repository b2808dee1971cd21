// Runs the stages of one place: fan-outs in waves closed by `seal`, single activities, and the pause that may come between.
// A pause cancels what runs (train saves a checkpoint, shards keep their finished pieces) and runs it again after the resume:
// finished work is adopted by its address, so nothing is lost and the machine is free within seconds.
import { CancellationScope, condition, defineSignal, isCancellation, setHandler } from "@temporalio/workflow";
import type { FanOutInput, PairInput, Promoted, PromoteInput, ShardDone, StageActivities, StageDone, Trained, TrainInput } from "../activities/contract.ts";
import { placeName } from "../campaign/ids.ts";
import type { Plan, Shard, StageInput, StageName } from "../campaign/types.ts";
import { stageProgress } from "./messages.ts";
import type { StageProgress } from "./messages.ts";
import { control, stageActivities } from "./options.ts";

/** Parent to child: the campaign is paused or goes on. */
export const setPaused = defineSignal<[boolean]>("setPaused");

/** A stage's own input, without what every stage is told. */
type Own<I extends StageInput> = I extends StageInput ? Omit<I, keyof StageInput> : never;

export class Stages {
  private readonly base: StageInput;
  private readonly plan: Plan;
  private paused = false;
  private interrupted = false;
  private running: CancellationScope | undefined;
  private progress: StageProgress | null = null;

  constructor(base: StageInput, plan: Plan) {
    this.base = base;
    this.plan = plan;
    setHandler(stageProgress, () => this.progress);
    setHandler(setPaused, (paused) => this.pause(paused));
  }

  /** One activity per shard, `plan.wave` at a time; then `seal` finds their pieces by address. */
  async fanOut(own: Own<FanOutInput>, pieces: number): Promise<StageDone> {
    const input = { ...this.base, ...own } as FanOutInput;
    const shards = cutShards(pieces, this.plan.shardPieces);
    return this.pausable(input.stage, shards.length, async () => {
      for (let from = 0; from < shards.length; from += this.plan.wave) {
        await Promise.all(shards.slice(from, from + this.plan.wave).map((shard) => this.shard(input, shard, shards.length)));
      }
      return control.seal(input);
    });
  }

  pair(own: Own<PairInput>): Promise<StageDone> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.pair(input));
  }

  train(own: Own<TrainInput>): Promise<Trained> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.train(input));
  }

  promote(own: Own<PromoteInput>): Promise<Promoted> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.promote(input));
  }

  private single<I extends StageInput & { stage: StageName }, R>(input: I, run: (activities: StageActivities, input: I) => Promise<R>): Promise<R> {
    const summary = `${placeName(input.place)} ${input.stage}`;
    return this.pausable(input.stage, 1, () => run(stageActivities(this.plan, input.stage, summary), input));
  }

  private async shard(input: FanOutInput, shard: Shard, total: number): Promise<void> {
    const activities = stageActivities(this.plan, input.stage, `${placeName(input.place)} ${input.stage} ${shard.index + 1}/${total}`);
    const run = activities[input.stage] as (input: FanOutInput, shard: Shard) => Promise<ShardDone>;
    await run(input, shard);
    if (this.progress) this.progress.shardsDone += 1;
  }

  private async pausable<T>(stage: StageName, shardsTotal: number, work: () => Promise<T>): Promise<T> {
    for (;;) {
      // Awaiting here lets a pause that arrived between two stages hold the next one back.
      await condition(() => !this.paused);
      this.interrupted = false;
      this.progress = { place: this.base.place, stage, shardsDone: 0, shardsTotal, startedAtMs: Date.now() };
      const scope = new CancellationScope();
      this.running = scope;
      try {
        return await scope.run(work);
      } catch (error) {
        if (!isCancellation(error) || !this.interrupted) throw error;
      } finally {
        this.running = undefined;
        this.progress = null;
      }
    }
  }

  private pause(paused: boolean): void {
    this.paused = paused;
    if (!paused || !this.running) return;
    this.interrupted = true;
    this.running.cancel();
  }
}

/** Runs of whole pieces: `pieces` = 10, `size` = 4 gives [0,4) [4,8) [8,10). */
export function cutShards(pieces: number, size: number): Shard[] {
  return Array.from({ length: Math.ceil(pieces / size) }, (_, index) => ({ index, from: index * size, to: Math.min(pieces, (index + 1) * size) }));
}
