// Runs the stages of one place as Temporal activities, one after the other or side by side: fan-outs closed
// by `seal`, single activities, pauses, and continue-as-new. A pause cancels what runs (train saves a
// checkpoint, shards keep their finished pieces); the resume runs it again, and the activities adopt finished
// work by its address. So a pause loses nothing and frees the machine within seconds.
import {
  CancellationScope,
  condition,
  continueAsNew,
  defineSignal,
  isCancellation,
  setHandler,
  workflowInfo,
} from "@temporalio/workflow";
import type {
  EvaluateInput,
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
import type { AuditInput, LabelInput } from "../activities/label-contract.ts";
import { placeName } from "../campaign/ids.ts";
import type { BegunStage, FinishedStage, PlaceInput, Reached, Shard, StageInput } from "../campaign/types.ts";
import { stageProgress } from "./messages.ts";
import { progressOf } from "./progress-of.ts";
import type { StageProgress } from "./messages.ts";
import { nameOf, queueOf } from "./stage-names.ts";
import type { AnyInput } from "./stage-names.ts";
import { control, stageActivities } from "./options.ts";
import { People } from "./people.ts";
import type { Finished, Own, Recipe } from "./recipe.ts";
import { cutShards, Rests, runShards } from "./shards.ts";

/** Parent to child: paused (true) or resumed (false). `shard`: what computes ends, nothing else begins. */
export const setPaused = defineSignal<[paused: boolean, at?: "shard"]>("setPaused");

interface Running {
  scope: CancellationScope;
  progress: StageProgress;
  /** A pause has cancelled it. */
  interrupted: boolean;
}

export class Stages implements Recipe {
  private readonly input: PlaceInput;
  private readonly base: StageInput;
  private readonly reached: Reached;
  private readonly running = new Map<string, Running>();
  private readonly people = new People();
  private paused = false;
  /** Fan-outs without a running shard that wait to continue as new. */
  private resting = 0;

  constructor(input: PlaceInput) {
    const { campaign, epoch, place, reached } = input;
    this.input = input;
    this.base = { campaign, epoch, place };
    this.reached = { stages: {}, begun: {}, ...reached };
    setHandler(stageProgress, () => progressOf([...this.running.values()].map(({ progress }) => progress)));
    setHandler(setPaused, (paused, at) => this.pause(paused, at));
  }

  /** One activity per shard; then `seal` finds the pieces of all shards by address. */
  fanOut(own: Own<FanOutInput>, pieces: number): Promise<Finished<StageDone>> {
    const input = { ...this.base, ...own } as FanOutInput;
    const { shardPieces, maxConcurrentShards } = this.input.plan;
    const shards = cutShards(pieces, shardPieces);
    return this.stage(input, shards.length, async (begun, progress) => {
      while (begun.shards < shards.length) {
        await this.continueIfSuggested();
        if (this.paused) throw new Rests();
        const run = (shard: Shard) => this.shard(input, shard, progress);
        await runShards(shards, maxConcurrentShards, begun, run, () => this.paused);
      }
      return control.seal(input);
    });
  }

  label(own: Own<LabelInput>): Promise<Finished<StageDone>> {
    const input = { ...this.base, ...own };
    const { plan } = this.input;
    return this.stage(input, 1, async () => {
      const summary = `${placeName(input.place)} ${input.stage}`;
      if (input.by !== "people") await stageActivities(queueOf(plan, input), summary).label(input);
      if (input.by !== "module") await this.people.wait(input, () => this.continueIfSuggested());
      return control.sealLabels(input);
    });
  }

  audit(own: Own<AuditInput>): Promise<Finished<StageDone>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.audit(input));
  }

  pair(own: Own<PairInput>): Promise<Finished<StageDone>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.pair(input));
  }

  train(own: Own<TrainInput>): Promise<Finished<Trained>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.train(input));
  }

  evaluate(own: Own<EvaluateInput>): Promise<Finished<StageDone>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.evaluate(input));
  }

  promote(own: Own<PromoteInput>): Promise<Finished<Promoted>> {
    return this.single({ ...this.base, ...own }, (activities, input) => activities.promote(input));
  }

  private single<I extends AnyInput, D extends StageDone>(
    input: I,
    run: (activities: StageActivities, input: I) => Promise<D>,
  ): Promise<Finished<D>> {
    const summary = `${placeName(input.place)} ${input.stage}`;
    return this.stage(input, 1, () => run(stageActivities(queueOf(this.input.plan, input), summary), input));
  }

  private async shard(input: FanOutInput, shard: Shard, progress: StageProgress): Promise<void> {
    const summary = `${placeName(input.place)} ${input.stage} ${shard.index + 1}/${progress.shardsTotal}`;
    const activities = stageActivities(queueOf(this.input.plan, input), summary);
    const run = activities[input.stage] as (input: FanOutInput, shard: Shard) => Promise<ShardDone>;
    await run(input, shard);
    progress.shardsDone += 1;
  }

  /** Returns at once if an earlier run of this place has finished the stage. */
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
      // A pause may have arrived between two stages: it holds the next one back here.
      await condition(() => !this.paused);
      const begun = (this.reached.begun[name] ??= { shards: 0, startedAtMs: Date.now() });
      const { shards: shardsDone, startedAtMs } = begun;
      const progress = { place, stage, shardsDone, shardsTotal, startedAtMs };
      const running = { scope: new CancellationScope(), progress, interrupted: false };
      this.running.set(name, running);
      try {
        return await running.scope.run(() => work(begun, progress));
      } catch (error) {
        if (error instanceof Rests) continue;
        if (!isCancellation(error) || !running.interrupted) throw error;
      } finally {
        this.running.delete(name);
      }
    }
  }

  /**
   * Called by a fan-out none of whose shards runs. Continues as new if Temporal suggests it, once every
   * running stage has come here.
   */
  private async continueIfSuggested(): Promise<void> {
    // The next run would not know of the pause: the parent has signalled this run only.
    if (this.paused || !workflowInfo().continueAsNewSuggested) return;
    this.resting += 1;
    try {
      await condition(() => this.resting === this.running.size);
    } finally {
      this.resting -= 1;
    }
    await continueAsNew<(input: PlaceInput) => Promise<unknown>>({ ...this.input, reached: this.reached });
  }

  private pause(paused: boolean, at?: "shard"): void {
    this.paused = paused;
    if (!paused) return;
    for (const running of this.running.values()) {
      // Labels may take days, and what waits for them computes nothing.
      if (at === "shard" && running.progress.stage !== "label") continue;
      running.interrupted = true;
      running.scope.cancel();
    }
  }
}
