/* oxlint-disable max-lines -- one class: the recipe of one seed, stage by stage */
// World A's recipe as plain function calls in one process: the same runtimes and the same recipe functions as
// the activities use, no Temporal, no store. For tuning and for evidence over many seeds. Each artifact is a
// file under `dir` named after what made it and is not made twice, so a search pays for SFT and the reward
// model once.
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pairGroups } from "../campaign/recipe/pairing.ts";
import { pairsFromLabels } from "../campaign/labeling/pairs.ts";
import type { PairRow, PromptRow } from "../campaign/recipe/rows.ts";
import type { GoldScore } from "../campaign/spec/modules.ts";
import { completionSeed, deriveSeed } from "../campaign/recipe/seeds.ts";
import { lengthControlledWinRate } from "../campaign/recipe/length-control.ts";
import type { Verdict } from "../campaign/recipe/length-control.ts";
import { sharesOf, winRate, winShare } from "../campaign/recipe/winrate.ts";
import type { PromptShares } from "../campaign/recipe/winrate.ts";
import type { ResolvedOptimizer, ResolvedSpec } from "../campaign/spec/schema.ts";
import type { EvaluateMetrics } from "../campaign/types.ts";
import type {
  Completion,
  Generator,
  LocalModel,
  OptimizerSettings,
  Prompt,
  Scorer,
  Trainer,
  TrainTask,
  WorkContext,
} from "../runtimes/types.ts";
import { goldOf } from "../examples/shop/gold.ts";
import prompts, { promptText } from "../examples/shop/prompts.ts";
import writers from "../examples/shop/writers.ts";

import { labeled } from "./labeled.ts";

export interface Runtime {
  generator: Generator;
  scorer: Scorer;
  trainer: Trainer;
}

type Samples = { temperature: number; count: number }[];

export interface Arm {
  metrics: EvaluateMetrics;
  shares: PromptShares;
  seconds: number;
}

const CONTEXT: WorkContext = { signal: new AbortController().signal, onProgress: () => {} };

export class PlainRecipe {
  readonly spec: ResolvedSpec;
  readonly runtime: Runtime;
  readonly dir: string;
  /** Seconds by stage, summed; stages found finished add nothing. */
  readonly seconds: Record<string, number> = {};

  constructor(spec: ResolvedSpec, runtime: Runtime, dir: string) {
    this.spec = spec;
    this.runtime = runtime;
    this.dir = dir;
  }

  async promptsOf(
    split: "bootstrap" | "online" | "validation" | "test",
    count: number,
  ): Promise<PromptRow[]> {
    return prompts({ seed: String(this.spec.seed), split, count });
  }

  /** Batches are pieces, as in a campaign. */
  async sample(
    place: string,
    policy: LocalModel,
    list: Prompt[],
    samples: Samples,
    firstIndex = 0,
  ): Promise<Completion[]> {
    const name = `${place}.completions.jsonl`;
    return this.rows(name, "generate", async () => {
      const temperatures = samples.flatMap(({ temperature, count }) =>
        Array.from({ length: count }, () => temperature),
      );
      const { maxTokens, topK, topP, minP, stop, piece } = this.spec.generate;
      const rows: Completion[] = [];
      for (let from = 0; from < list.length; from += piece) {
        const requests = list.slice(from, from + piece).flatMap((prompt) =>
          temperatures.map((temperature, offset) => {
            const index = firstIndex + offset;
            return {
              prompt,
              index,
              temperature,
              seed: completionSeed(this.spec.seed, place, prompt.id, index),
            };
          }),
        );
        rows.push(
          ...(await this.runtime.generator.generate(
            policy,
            requests,
            { maxTokens, topK, topP, minP, stop },
            CONTEXT,
          )),
        );
      }
      return rows;
    });
  }

  async train(
    place: string,
    task: TrainTask,
    start: LocalModel,
    optimizer: ResolvedOptimizer,
    rows: () => Promise<object[]>,
    reference?: LocalModel,
  ): Promise<LocalModel> {
    const outDir = join(this.dir, place);
    const model = { digest: place, dir: outDir };
    if (existsSync(outDir)) return model;
    const rowsPath = join(this.dir, `${place}.rows.jsonl`);
    await writeJsonLines(rowsPath, await rows());
    const { outcome } = await this.timed(task.kind, async () => ({
      outcome: await this.runtime.trainer.train(
        {
          task,
          start,
          reference,
          rowsPath,
          optimizer: this.optimizer(optimizer, place),
          outDir: `${outDir}.part`,
          checkpointDir: join(this.dir, `${place}.checkpoints`),
          checkpoint: { everySteps: 1_000_000, everySeconds: 86_400 },
        },
        { ...CONTEXT, onCheckpoint: () => {} },
      ),
    }));
    console.error(
      `${place}: ${outcome.steps} steps, ${Object.entries(outcome.metrics)
        .map(([name, value]) => `${name} ${value.toFixed(4)}`)
        .join(", ")}`,
    );
    await rename(`${outDir}.part`, outDir);
    return model;
  }

  private optimizer(settings: ResolvedOptimizer, place: string): OptimizerSettings {
    const { learningRate, betas, epsilon, weightDecay, clip, schedule, warmup, epochs, batch, maxLength } =
      settings;
    const seed = deriveSeed(this.spec.seed, place, "train");
    return {
      learningRate,
      betas,
      epsilon,
      weightDecay,
      clip,
      schedule,
      warmup,
      epochs,
      batch,
      maxLength: maxLength ?? this.spec.policy.init?.model.contextLength ?? 0,
      seed,
    };
  }

  async sft(init: LocalModel): Promise<LocalModel> {
    const { sft } = this.spec.bootstrap;
    if (!sft) throw new Error("World A begins with SFT");
    return this.train("sft", { kind: "sft", promptMask: sft.promptMask }, init, sft, async () =>
      writers({ seed: String(this.spec.seed), count: sft.data.count ?? 0 }),
    );
  }

  /** Pairs of the labels on answers of π_0. */
  async preferences(policy: LocalModel): Promise<PairRow[]> {
    const { prompts: counts, bootstrap, seed } = this.spec;
    const samples = bootstrap.labels?.sample.samples ?? [];
    const list = await this.promptsOf("bootstrap", counts.bootstrap);
    const answers = byPrompt(list, await this.sample("preferences", policy, list, samples));
    const asked = {
      choose: "random",
      comparisons: bootstrap.labels?.comparisons ?? list.length,
      audit: 0,
      seed: deriveSeed("questionnaire", seed),
    } as const;
    return pairsFromLabels(await labeled(answers, asked), 0).pairs;
  }

  async rewardModel(policy: LocalModel, pairs: PairRow[]): Promise<LocalModel> {
    const { reward } = this.spec.bootstrap;
    if (!reward) throw new Error("World A scores by a reward model");
    return this.train("reward", { kind: "reward" }, policy, reward, async () => pairs);
  }

  /**
   * Share of pairs of fresh answers (half at 1.0, half at 1.4) whose order by the reward model is that by
   * gold.
   */
  async accuracy(policy: LocalModel, rewardModel: LocalModel): Promise<number> {
    const list = await this.promptsOf("validation", 300);
    const answers = await this.sample("accuracy", policy, list, [
      { temperature: 1, count: 1 },
      { temperature: 1.4, count: 1 },
    ]);
    const rewards = await this.rewards(rewardModel, list, answers);
    const right = list.map((prompt, i) => {
      const [a, b] = [answers[2 * i]!, answers[2 * i + 1]!];
      const gold = goldOf(promptText(prompt), a).total - goldOf(promptText(prompt), b).total;
      return gold === 0 ? undefined : Math.sign(gold) === Math.sign(rewards[2 * i]! - rewards[2 * i + 1]!);
    });
    const decided = right.filter((value) => value !== undefined);
    return decided.filter(Boolean).length / decided.length;
  }

  async rewards(rewardModel: LocalModel, list: PromptRow[], answers: Completion[]): Promise<number[]> {
    return this.batched("score", list, answers, (rows) =>
      this.runtime.scorer.rewards(rewardModel, rows, CONTEXT),
    );
  }

  async pairs(
    place: string,
    policy: LocalModel,
    rewardModel: LocalModel,
    list: PromptRow[],
    limit: number,
  ): Promise<PairRow[]> {
    const answers = await this.sample(place, policy, list, this.spec.generate.samples);
    const scores = await this.rewards(rewardModel, list, answers);
    const scored = answers.map((answer, i) => ({ ...answer, score: scores[i]! }));
    const { pairs, report } = pairGroups(
      byPrompt(list, scored),
      { ...this.spec.pair, limit },
      deriveSeed(this.spec.seed, place),
    );
    console.error(
      `${place}: ${report.pairs} pairs of ${report.groups}, ` +
        `margin ${report.margin.mean.toFixed(2)}, length ${report.lengthDifference.toFixed(2)}`,
    );
    return pairs;
  }

  async dpo(
    place: string,
    start: LocalModel,
    reference: LocalModel,
    learningRate: number,
    pairs: () => Promise<PairRow[]>,
  ): Promise<LocalModel> {
    const { train } = this.spec;
    return this.train(
      place,
      { kind: "dpo", beta: train.beta },
      start,
      { ...train, learningRate },
      pairs,
      reference,
    );
  }

  /** The opponent: a second sample of SFT, drawn behind the evaluation's own indices. */
  async opponent(split: "validation" | "test", list: PromptRow[], sft: LocalModel): Promise<Completion[]> {
    const { samples, temperature } = this.spec.evaluate;
    return this.sample(`opponent-${split}`, sft, list, [{ temperature, count: samples }], samples);
  }

  async evaluate(
    place: string,
    split: "validation" | "test",
    list: PromptRow[],
    policy: LocalModel,
    sft: LocalModel,
    rewardModel: LocalModel,
  ): Promise<Arm> {
    const began = performance.now();
    const { samples, temperature, resamples } = this.spec.evaluate;
    const opponents = byPrompt(list, await this.opponent(split, list, sft));
    const theirs = new Map(opponents.map(({ prompt, candidates }) => [prompt.id, candidates]));
    const answers = await this.sample(`${place}.${split}`, policy, list, [{ temperature, count: samples }]);
    const proxies = await this.rewards(rewardModel, list, answers);
    const initial = await this.batched("logps", list, answers, (rows) =>
      this.runtime.scorer.logps(sft, rows, CONTEXT),
    );
    const text = new Map(list.map((prompt) => [prompt.id, promptText(prompt)]));
    const golds = answers.map((answer) => goldOf(text.get(answer.promptId)!, answer));
    const verdicts = answers.map((answer, i) => {
      const others = theirs.get(answer.promptId)!;
      const otherGolds = others.map((other) => goldOf(text.get(answer.promptId)!, other).total);
      return verdictOf(answer, others, winShare([golds[i]!.total], otherGolds));
    });
    const shares = sharesOf(verdicts);
    const resampling = { resamples, seed: deriveSeed(this.spec.seed, "win rate") };
    const metrics: EvaluateMetrics = {
      prompts: list.length,
      completions: answers.length,
      winRate: winRate(shares, resampling),
      lengthControlled: await lengthControlledWinRate(verdicts, resampling),
      judgedBy: "gold",
      ...meansOf(answers, golds),
      proxy: mean(proxies),
      kl: mean(answers.map(({ logps }, i) => logps.reduce((sum, logp) => sum + logp, 0) - initial[i]!)),
    };
    return { metrics, shares, seconds: (performance.now() - began) / 1000 };
  }

  /** Scores of answers in batches of one piece, like the score stage. */
  private async batched(
    stage: string,
    list: PromptRow[],
    answers: Completion[],
    score: (rows: { prompt: Prompt; ids: number[]; text: string }[]) => Promise<number[]>,
  ): Promise<number[]> {
    const byId = new Map(list.map((prompt) => [prompt.id, prompt]));
    const size = this.spec.generate.piece * (answers.length / list.length);
    return this.timed(stage, async () => {
      const scores: number[] = [];
      for (let from = 0; from < answers.length; from += size) {
        const rows = answers
          .slice(from, from + size)
          .map(({ promptId, ids, text }) => ({ prompt: byId.get(promptId)!, ids, text }));
        scores.push(...(await score(rows)));
      }
      return scores;
    });
  }

  private async rows<Row extends object>(
    name: string,
    stage: string,
    make: () => Promise<Row[]>,
  ): Promise<Row[]> {
    const path = join(this.dir, name);
    if (existsSync(path)) return readJsonLines<Row>(path);
    const rows = await this.timed(stage, make);
    await writeJsonLines(path, rows);
    return rows;
  }

  private async timed<T>(stage: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const result = await work();
    this.seconds[stage] = (this.seconds[stage] ?? 0) + (performance.now() - began) / 1000;
    return result;
  }
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Of an answer against the reference answers to its prompt. */
const verdictOf = ({ promptId, ids }: Completion, others: Completion[], probability: number): Verdict => ({
  promptId,
  probability,
  candidateTokens: ids.length,
  incumbentTokens: mean(others.map((other) => other.ids.length)),
});

function meansOf(answers: readonly Completion[], golds: readonly GoldScore[]) {
  const parts = Object.keys(golds[0]?.parts ?? {});
  return {
    gold: mean(golds.map(({ total }) => total)),
    goldParts: Object.fromEntries(
      parts.map((part) => [part, mean(golds.map((score) => score.parts?.[part] ?? 0))]),
    ),
    length: mean(answers.map(({ ids }) => ids.length)),
    truncated: mean(answers.map(({ finish }) => Number(finish === "length"))),
  };
}

/** Groups rows by prompt, in the order of the list. */
function byPrompt<Row extends { promptId: string }>(
  list: PromptRow[],
  rows: Row[],
): { prompt: PromptRow; candidates: Row[] }[] {
  const groups = new Map(list.map((prompt) => [prompt.id, { prompt, candidates: [] as Row[] }]));
  for (const row of rows) groups.get(row.promptId)!.candidates.push(row);
  return [...groups.values()];
}

async function writeJsonLines(path: string, rows: object[]): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(`${path}.part`, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  await rename(`${path}.part`, path);
}

const readJsonLines = async <Row>(path: string): Promise<Row[]> =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line): Row => JSON.parse(line));
