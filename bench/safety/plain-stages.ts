/* oxlint-disable max-lines -- one class: every stage of the recipe as a plain call */
// The recipe's stages as plain calls in one process: no Temporal, no store, no manifests, no checkpoints, no
// engine children. The bodies of the workflows (workflows/recipe.ts) run on them as they run on activities.
// Seeds and batches are the campaign's, so the weights are too.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { judgeBy } from "../../activities/judging.ts";
import { placeName } from "../../campaign/ids.ts";
import { pairGroups } from "../../campaign/recipe/pairing.ts";
import { pairsFromLabels } from "../../campaign/labeling/pairs.ts";
import type { LabeledComparison } from "../../campaign/labeling/pairs.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { PairRow, PromptRow } from "../../campaign/recipe/rows.ts";
import { completionSeed, deriveSeed, resamplingSeed } from "../../campaign/recipe/seeds.ts";
import { lengthControlledWinRate } from "../../campaign/recipe/length-control.ts";
import type { Verdict } from "../../campaign/recipe/length-control.ts";
import { decidePromotion, ruleOf } from "../../campaign/recipe/promotion.ts";
import { sharesOf, winRate, winShare } from "../../campaign/recipe/winrate.ts";
import type { CompiledSpec, Sampling } from "../../campaign/spec/compiled.ts";
import { policyTask } from "../../campaign/spec/losses.ts";
import type { Place, Split } from "../../campaign/types.ts";
import goldOfRows from "../../examples/shop/gold.ts";
import judge from "../../examples/shop/judge.ts";
import { pairLimitAt } from "../../campaign/spec/pair-limit.ts";
import { labelSettingsAt } from "../../campaign/spec/labels-at.ts";
import { labelsOf, questionnaire } from "./plain-labels.ts";
import type {
  Completion,
  Generator,
  LocalModel,
  Scorer,
  Trainer,
  TrainTask,
  WorkContext,
} from "../../runtimes/types.ts";
import { fileDigest } from "../../store/file-digest.ts";
import type { Finished, Own, Recipe } from "../../workflows/recipe.ts";
import type {
  AnswerInput,
  FanOutInput,
  JudgeInput,
  PairInput,
  Promoted,
  PromoteInput,
  PromptSource,
  ReferenceInput,
  ScoreInput,
  StageDone,
  Trained,
  TrainInput,
} from "../../activities/contract.ts";
import type { LabelInput } from "../../activities/label-contract.ts";

const CONTEXT: WorkContext = { signal: new AbortController().signal, onProgress: () => {} };

type Scored = Completion & { score: number };

/**
 * What the stages of all places read and make. A digest is a name here: it stands for a value in one of the
 * maps.
 */
export interface PlainWorld {
  spec: CompiledSpec;
  runtime: { generator: Generator; scorer: Scorer; trainer: Trainer };
  prompts: Record<"bootstrap" | "iterations" | Split, PromptRow[]>;
  /** SFT's rows, as text. */
  sft: string;
  dir: string;
  models: Map<string, LocalModel>;
  answers: Map<string, Completion[]>;
  scored: Map<string, { list: PromptRow[]; rows: Scored[] }>;
  labels: Map<string, LabeledComparison[]>;
  pairs: Map<string, PairRow[]>;
  verdictsBy: Map<string, Verdict[]>;
  /** SHA-256 of trained weights by `<place> <stage>`. */
  weights: Record<string, string>;
  /** Time of the recipe's own arithmetic: seeds, groups, pairs, win rates, rows as text. */
  arithmeticMs: number;
}

export class PlainStages implements Recipe {
  private readonly world: PlainWorld;
  private readonly place: Place;
  private readonly name: string;

  constructor(world: PlainWorld, place: Place) {
    this.world = world;
    this.place = place;
    this.name = placeName(place);
  }

  async fanOut(own: Own<FanOutInput>): Promise<Finished<StageDone>> {
    switch (own.stage) {
      case "generate": {
        const digest = `${this.name} ${own.source}`;
        const { list, sampling } = this.promptsFor(own.source);
        const rows: Completion[] = [];
        for (const piece of this.pieces(list)) rows.push(...(await this.sample(own.policy, piece, sampling)));
        this.world.answers.set(digest, rows);
        return { digest };
      }
      case "answer":
        return this.answer(own);
      case "score":
        return this.score(own);
      case "reference":
        return this.reference(own);
      case "judge":
        return this.judge(own);
    }
  }

  async label({ answers }: Own<LabelInput>): Promise<Finished<StageDone>> {
    const { spec, labels } = this.world;
    const settings = labelSettingsAt(spec, this.place)!;
    const { list } = this.promptsFor(settings === spec.labels ? "iteration" : "bootstrap");
    const asked = this.timed(() =>
      questionnaire(
        grouped(list, get(this.world.answers, answers)),
        settings,
        spec.pair.dropTruncated,
        deriveSeed("questionnaire", spec.seed, this.name),
      ),
    );
    const digest = `${this.name} labels`;
    labels.set(digest, await labelsOf(asked));
    return { digest };
  }

  /** The agreement is only shown; no stage reads it. */
  async audit(): Promise<Finished<StageDone>> {
    return { digest: `${this.name} audit` };
  }

  async pair({ from, source = "" }: Own<PairInput>): Promise<Finished<StageDone>> {
    const { pair, seed } = this.world.spec;
    const limit = pairLimitAt(this.world.spec, this.place);
    const digest = `${this.name} pairs`;
    if (from === "scores") {
      const { list, rows } = get(this.world.scored, source);
      const { pairs } = this.timed(() =>
        pairGroups(grouped(list, rows), { ...pair, limit }, deriveSeed(seed, this.name)),
      );
      this.world.pairs.set(digest, [...pairs]);
    } else if (from === "labels") {
      const { pairs } = this.timed(() => pairsFromLabels(get(this.world.labels, source), limit));
      this.world.pairs.set(digest, pairs);
    } else throw new Error("the shop's pairs come from scores or labels, not from a file");
    return { digest };
  }

  async train({ stage, start, reference, pairs }: Own<TrainInput>): Promise<Finished<Trained>> {
    const { spec, runtime, models, dir, sft } = this.world;
    const { task, optimizer } = taskOf(spec, stage);
    const rows = pairs === undefined ? sft : this.timed(() => formatRows(get(this.world.pairs, pairs)));
    const policy = `${this.name} ${stage}`;
    const out = join(dir, policy.replace(" ", "-"));
    await writeFile(`${out}.jsonl`, rows);
    await runtime.trainer.train(
      {
        task,
        start: get(models, start),
        reference: reference === undefined ? undefined : get(models, reference),
        rowsPath: `${out}.jsonl`,
        optimizer: { ...optimizer, seed: deriveSeed(spec.seed, this.name, stage) },
        outDir: out,
        checkpointDir: `${out}.checkpoints`,
        checkpoint: { everySteps: 1_000_000, everySeconds: 86_400 },
      },
      { ...CONTEXT, onCheckpoint: () => {} },
    );
    models.set(policy, { digest: policy, dir: out });
    this.world.weights[policy] = await fileDigest(join(out, "model.safetensors"));
    return { digest: policy, policy };
  }

  /** The metrics are only shown; no stage reads them. */
  async evaluate(): Promise<Finished<StageDone>> {
    return { digest: `${this.name} metrics` };
  }

  async promote({ verdicts = "" }: Own<PromoteInput>): Promise<Finished<Promoted>> {
    const { spec, verdictsBy } = this.world;
    const { decision } = await this.timedAsync(() =>
      decidePromotion(get(verdictsBy, verdicts), ruleOf(spec.promote), this.resampling("promote")),
    );
    return { digest: `${this.name} promote`, decision };
  }

  private async answer({ of, policy }: Own<AnswerInput>): Promise<Finished<StageDone>> {
    const { spec, prompts, answers } = this.world;
    const [list, firstIndex] = of === "opponent" ? [prompts.test, spec.evaluate.samples] : [prompts[of], 0];
    const rows: Completion[] = [];
    for (const piece of this.pieces(list))
      rows.push(...(await this.sample(policy, piece, evaluation(spec), firstIndex)));
    const digest = `${this.name} ${of}`;
    answers.set(digest, rows);
    return { digest };
  }

  private async score({ of, completions, rewardModel = "" }: Own<ScoreInput>): Promise<Finished<StageDone>> {
    const { scorer } = this.world.runtime;
    const rows = get(this.world.answers, completions);
    const list = this.listOf(of);
    const model = get(this.world.models, rewardModel);
    const scores = await this.ask(list, rows, (asked) => scorer.rewards(model, asked, CONTEXT));
    const digest = `${this.name} scores of ${of}`;
    this.world.scored.set(digest, { list, rows: rows.map((row, at) => ({ ...row, score: scores[at]! })) });
    return { digest };
  }

  private async reference({ of, answers, model }: Own<ReferenceInput>): Promise<Finished<StageDone>> {
    const { prompts, models, runtime } = this.world;
    const initial = get(models, model);
    await this.ask(prompts[of], get(this.world.answers, answers), (asked) =>
      runtime.scorer.logps(initial, asked, CONTEXT),
    );
    return { digest: `${this.name} reference of ${of}` };
  }

  private async judge({ of, by, ours, theirs }: Own<JudgeInput>): Promise<Finished<StageDone>> {
    const { prompts, answers, verdictsBy } = this.world;
    const [own, other] = [get(answers, ours), get(answers, theirs)];
    const verdicts =
      by === "gold" ? await this.compare(prompts[of], own, other) : await this.compareByJudge(own, other);
    const resampling = this.resampling(of === "test" ? "win-rate" : "promote");
    this.timed(() => winRate(sharesOf(verdicts), resampling));
    await this.timedAsync(() => lengthControlledWinRate(verdicts, resampling));
    const digest = `${this.name} verdicts on ${of} by ${by}`;
    verdictsBy.set(digest, verdicts);
    return { digest };
  }

  private resampling(what: "win-rate" | "promote"): { resamples: number; seed: string } {
    const { evaluate, seed } = this.world.spec;
    return { resamples: evaluate.resamples, seed: resamplingSeed(seed, what) };
  }

  /** Answers of equal prompt and index, which stand in the same order. */
  private async compareByJudge(ours: Completion[], theirs: Completion[]): Promise<Verdict[]> {
    const { spec, prompts } = this.world;
    const byId = new Map(prompts.validation.map((prompt) => [prompt.id, prompt]));
    const probabilities = await judgeBy(
      async (questions) => judge(questions as never),
      spec.seed,
      ours.map((row, index) => ({ prompt: byId.get(row.promptId)!, ours: row, theirs: theirs[index]! })),
    );
    return ours.map(({ promptId, ids }, index) => ({
      promptId,
      probability: probabilities[index]!,
      candidateTokens: ids.length,
      incumbentTokens: theirs[index]!.ids.length,
    }));
  }

  private listOf(of: ScoreInput["of"]): PromptRow[] {
    const { prompts } = this.world;
    if (of === "audit") throw new Error("the shop has no audit");
    if (of === "opponent") return prompts.test;
    return of === "validation" || of === "test" ? prompts[of] : this.promptsFor(of).list;
  }

  private promptsFor(source: PromptSource): { list: PromptRow[]; sampling: Sampling } {
    const { spec, prompts } = this.world;
    switch (source) {
      case "iteration": {
        const from = ("iteration" in this.place ? this.place.iteration - 1 : 0) * spec.prompts.perIteration;
        const list = prompts.iterations.slice(from, from + spec.prompts.perIteration);
        return { list, sampling: spec.generate };
      }
      case "baseline":
        return { list: prompts.iterations, sampling: spec.generate };
      case "bootstrap":
        return { list: prompts.bootstrap, sampling: spec.bootstrap.labels!.sample };
    }
  }

  /** One piece is one batch, as in the generate stage. */
  private async sample(
    policy: string,
    piece: PromptRow[],
    sampling: Sampling,
    firstIndex = 0,
  ): Promise<Completion[]> {
    const { spec, runtime, models } = this.world;
    const temperatures = sampling.samples.flatMap(({ temperature, count }) =>
      Array.from({ length: count }, () => temperature),
    );
    const requests = this.timed(() =>
      piece.flatMap((prompt) =>
        temperatures.map((temperature, offset) => {
          const index = firstIndex + offset;
          return {
            prompt,
            index,
            temperature,
            seed: completionSeed(spec.seed, this.name, prompt.id, index),
          };
        }),
      ),
    );
    return runtime.generator.generate(get(models, policy), requests, sampling, CONTEXT);
  }

  /** Asks about answers in batches of one piece of the prompt list, as the stages do. */
  private async ask(
    list: PromptRow[],
    rows: Completion[],
    answer: (asked: (Completion & { prompt: PromptRow })[]) => Promise<number[]>,
  ): Promise<number[]> {
    const byId = new Map(list.map((prompt) => [prompt.id, prompt]));
    const values: number[] = [];
    for (const piece of this.pieces(rows, rows.length / list.length))
      values.push(...(await answer(piece.map((row) => ({ ...row, prompt: byId.get(row.promptId)! })))));
    return values;
  }

  /** Each answer with all reference answers to its prompt. */
  private async compare(list: PromptRow[], ours: Completion[], theirs: Completion[]): Promise<Verdict[]> {
    const own = await this.trueRewards(list, ours);
    const others = await this.trueRewards(list, theirs);
    const referencesOf = grouped(list, theirs);
    return this.timed(() =>
      grouped(list, ours).flatMap(({ prompt: { id }, candidates }, at) => {
        const references = referencesOf[at]!.candidates;
        const incumbentTokens = references.reduce((sum, { ids }) => sum + ids.length, 0) / references.length;
        return candidates.map(({ ids }, index) => ({
          promptId: id,
          probability: winShare([own.get(id)![index]!], others.get(id)!),
          candidateTokens: ids.length,
          incumbentTokens,
        }));
      }),
    );
  }

  /** By prompt. */
  private async trueRewards(list: PromptRow[], rows: Completion[]): Promise<Map<string, number[]>> {
    const groups = this.timed(() => grouped(list, rows));
    const scores = await goldOfRows(
      groups.flatMap(({ prompt, candidates }) =>
        candidates.map((row) => ({ prompt, answer: asAnswer(row) })),
      ) as never,
    );
    const each = this.world.spec.evaluate.samples;
    const totals = scores.map(({ total }) => total);
    return new Map(groups.map(({ prompt }, at) => [prompt.id, totals.slice(at * each, (at + 1) * each)]));
  }

  /** Runs of as many rows as a piece has, if there are `perPrompt` rows for each prompt. */
  private pieces<T>(rows: readonly T[], perPrompt = 1): T[][] {
    const size = this.world.spec.pieces.prompts * perPrompt;
    return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) =>
      rows.slice(at * size, (at + 1) * size),
    );
  }

  private timed<T>(arithmetic: () => T): T {
    const began = performance.now();
    const result = arithmetic();
    this.world.arithmeticMs += performance.now() - began;
    return result;
  }

  private async timedAsync<T>(arithmetic: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await arithmetic();
    this.world.arithmeticMs += performance.now() - began;
    return result;
  }
}

function taskOf(spec: CompiledSpec, stage: TrainInput["stage"]) {
  const { sft, reward } = spec.bootstrap;
  if (stage === "train")
    return { task: policyTask(spec.train) as TrainTask, optimizer: spec.train.optimizer };
  if (!sft || !reward)
    throw new Error("the plain stages are the shop's: SFT, labelled answers, a reward model");
  return stage === "sft"
    ? { task: { kind: "sft", promptMask: sft.promptMask } as TrainTask, optimizer: sft.optimizer }
    : { task: { kind: "reward" } as TrainTask, optimizer: reward.optimizer };
}

const evaluation = (spec: CompiledSpec): Sampling => ({
  ...spec.generate,
  samples: [{ temperature: spec.evaluate.temperature, count: spec.evaluate.samples }],
});

function grouped<R extends { promptId: string }>(
  list: PromptRow[],
  rows: R[],
): { prompt: PromptRow; candidates: R[] }[] {
  const groups = new Map(list.map((prompt) => [prompt.id, { prompt, candidates: [] as R[] }]));
  for (const row of rows) groups.get(row.promptId)!.candidates.push(row);
  return [...groups.values()];
}

function get<V>(map: ReadonlyMap<string, V>, digest: string): V {
  const value = map.get(digest);
  if (value === undefined) throw new Error(`no stage made ${JSON.stringify(digest)}`);
  return value;
}

const asAnswer = ({ text, finish }: Pick<Completion, "text" | "finish">) => ({ text, finish });
