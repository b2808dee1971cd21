// Runs the stages of one place: fan-outs in waves closed by `seal`, single activities, the pause that may come between, and the next
// run where history has become long. A pause cancels what runs (train saves a checkpoint, shards keep their finished pieces) and runs it
// again after the resume: finished work is adopted by its address, so nothing is lost and the machine is free within seconds.
import { CancellationScope, condition, continueAsNew, defineSignal, isCancellation, setHandler, workflowInfo } from "@temporalio/workflow";
import type { FanOutInput, PairInput, Promoted, PromoteInput, ShardDone, StageActivities, StageDone, Trained, TrainInput } from "../activities/contract.ts";
import { placeName } from "../campaign/ids.ts";
import type { FinishedStage, PlaceInput, Reached, Shard, StageInput } from "../campaign/types.ts";
import { stageProgress } from "./messages.ts";
import type { StageProgress } from "./messages.ts";
import { control, stageActivities } from "./options.ts";

/** Parent to child: the campaign is paused or goes on. */
export const setPaused = defineSignal<[boolean]>("setPaused");

/** A stage's own input, without what every stage is told. */
type Own<I extends StageInput> = I extends StageInput ? Omit<I, keyof StageInput> : never;
type AnyInput = FanOutInput | PairInput | TrainInput | PromoteInput;
type Finished<D extends StageDone> = Omit<D, "values">;

export class Stages {
  private readonly input: PlaceInput;
  private readonly base: StageInput;
  private readonly reached: Reached;
  private paused = false;
  private interrupted = false;
  private running: CancellationScope | undefined;
  private progress: StageProgress | null = null;

  constructor(input: PlaceInput) {
    const { campaign, epoch, place, reached } = input;
    this.input = input;
    this.base = { campaign, epoch, place };
    this.reached = reached ?? { stages: {}, shards: 0 };
    setHandler(stageProgress, () => this.progress);
    setHandler(setPaused, (paused) => this.pause(paused));
  }

  /** One activity per shard, `plan.wave` at a time; then `seal` finds their pieces by address. */
  fanOut(own: Own<FanOutInput>, pieces: number): Promise<Finished<StageDone>> {
    const input = { ...this.base, ...own } as FanOutInput;
    const shards = cutShards(pieces, this.input.plan.shardPieces);
    return this.stage(input, shards.length, async () => {
      while (this.reached.shards < shards.length) {
        await this.goOnAsNew();
        const wave = shards.slice(this.reached.shards, this.reached.shards + this.input.plan.wave);
        await Promise.all(wave.map((shard) => this.shard(input, shard, shards.length)));
        this.reached.shards += wave.length;
      }
      return control.seal(input);
    });
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

  private single<I extends AnyInput, D extends StageDone>(input: I, run: (activities: StageActivities, input: I) => Promise<D>): Promise<Finished<D>> {
    const summary = `${placeName(input.place)} ${input.stage}`;
    return this.stage(input, 1, () => run(stageActivities(this.input.plan, input.stage, summary), input));
  }

  private async shard(input: FanOutInput, shard: Shard, total: number): Promise<void> {
    const activities = stageActivities(this.input.plan, input.stage, `${placeName(input.place)} ${input.stage} ${shard.index + 1}/${total}`);
    const run = activities[input.stage] as (input: FanOutInput, shard: Shard) => Promise<ShardDone>;
    await run(input, shard);
    if (this.progress) this.progress.shardsDone += 1;
  }

  /** A stage that an earlier run finished returns at once. */
  private async stage<D extends StageDone>(input: AnyInput, shardsTotal: number, work: () => Promise<D>): Promise<Finished<D>> {
    const { stages } = this.reached;
    const name = nameOf(input);
    const known = stages[name];
    if (known) return known as Finished<D>;
    const { values: _shown, ...finished } = await this.pausable(input, shardsTotal, work);
    stages[name] = finished as FinishedStage;
    this.reached.shards = 0;
    delete this.reached.startedAtMs;
    return finished;
  }

  private async pausable<T>({ stage, place }: AnyInput, shardsTotal: number, work: () => Promise<T>): Promise<T> {
    for (;;) {
      // Awaiting here lets a pause that arrived between two stages hold the next one back.
      await condition(() => !this.paused);
      this.interrupted = false;
      this.reached.startedAtMs ??= Date.now();
      this.progress = { place, stage, shardsDone: this.reached.shards, shardsTotal, startedAtMs: this.reached.startedAtMs };
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

  /** Between two waves nothing runs: where history asks for it, the next run goes on from here. A pause is told to this run only. */
  private async goOnAsNew(): Promise<void> {
    if (this.paused || !workflowInfo().continueAsNewSuggested) return;
    await continueAsNew<(input: PlaceInput) => Promise<unknown>>({ ...this.input, reached: this.reached });
  }

  private pause(paused: boolean): void {
    this.paused = paused;
    if (!paused || !this.running) return;
    this.interrupted = true;
    this.running.cancel();
  }
}

/** A place generates, evaluates and trains more than once: its stages are told apart by what they work on. */
function nameOf(input: AnyInput): string {
  if (input.stage === "generate") return `generate/${input.source}`;
  if (input.stage === "evaluate") return `evaluate/${input.split}`;
  return input.stage;
}

/** Runs of whole pieces: `pieces` = 10, `size` = 4 gives [0,4) [4,8) [8,10). */
export function cutShards(pieces: number, size: number): Shard[] {
  return Array.from({ length: Math.ceil(pieces / size) }, (_, index) => ({ index, from: index * size, to: Math.min(pieces, (index + 1) * size) }));
}
