// A small shop's campaign as plain function calls in one process: no Temporal, no store, no manifests, no checkpoints, no engine children,
// and yet the same weights, since seeds and batches are the campaign's.
//   plain.js INPUT      a JSON file of PlainInput; prints {seconds, weights}
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CompiledSpec, Optimizer, Sampling } from "../../campaign/spec/compiled.ts";
import { placeName } from "../../campaign/ids.ts";
import { policyTask } from "../../campaign/spec/losses.ts";
import { pairGroups } from "../../campaign/recipe/pairing.ts";
import { comparisonsOf, pairsFromLabels } from "../../campaign/recipe/preferences.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { PromptRow } from "../../campaign/recipe/rows.ts";
import { completionSeed, deriveSeed } from "../../campaign/recipe/seeds.ts";
import { sharesOf, winRate, winShare } from "../../campaign/recipe/winrate.ts";
import goldOfRows from "../../examples/shop/gold.ts";
import judge from "../../examples/shop/judge.ts";
import rater from "../../examples/shop/rater.ts";
import { Workshop } from "../../engine/train/index.ts";
import { onnxRuntimeOn } from "../../runtimes/onnx/index.ts";
import { generate, score } from "../../runtimes/onnx/inference.ts";
import { Models } from "../../runtimes/onnx/models.ts";
import type { Pool } from "../../runtimes/onnx/pool.ts";
import { train as trainInChild } from "../../runtimes/onnx/training.ts";
import type { Completion, LocalModel, TrainTask, WorkContext } from "../../runtimes/types.ts";
import { fileDigest } from "../../store/file-digest.ts";

export interface PlainInput {
  spec: CompiledSpec;
  /** The given policy's folder. */
  policy: string;
  prompts: Record<"preferences" | "iterations" | "validation" | "test", PromptRow[]>;
  /** SFT's rows. */
  sft: string;
  dir: string;
  threads: number;
}

export interface PlainOutput {
  seconds: number;
  /** Of these, the recipe's own arithmetic: seeds, groups, pairs, win rates and their intervals, rows as text. */
  arithmetic: number;
  /** SHA-256 by `<place> <stage>`. */
  weights: Record<string, string>;
}

const {
  spec,
  policy: given,
  prompts,
  sft,
  dir,
  threads,
} = JSON.parse(await readFile(process.argv[2]!, "utf8")) as PlainInput;
const CONTEXT: WorkContext = { signal: new AbortController().signal, onProgress: () => {} };
const models = new Models(threads);
const workshop = new Workshop();
type Call = Pool["call"];
const answer = (method: string, args: never): Promise<unknown> => {
  if (method === "generate") return generate(models, args, CONTEXT);
  if (method === "train")
    return trainInChild(args, { threads, workshop }, { ...CONTEXT, onCheckpoint: () => {} });
  return score(models, method as "rewards" | "logps", args, CONTEXT);
};
let before: Promise<unknown> = Promise.resolve();
/** The engine's calls, made here: one at a time, as a child does, since a model decodes one batch at a time. */
const here: Pick<Pool, "call"> = {
  call: ((method: string, _model: string, args: never) =>
    (before = before.then(() => answer(method, args)))) as Call,
};
const { generator, scorer, trainer } = onnxRuntimeOn(here, here);

const weights: Record<string, string> = {};
let arithmeticMs = 0;
function reckon<T>(act: () => T): T {
  const began = performance.now();
  const result = act();
  arithmeticMs += performance.now() - began;
  return result;
}

const place = (iteration: number): string => placeName({ iteration, take: 1 });
const pieces = <T>(rows: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(rows.length / size) }, (_, index) =>
    rows.slice(index * size, (index + 1) * size),
  );
const evaluation: Sampling = {
  ...spec.generate,
  samples: [{ temperature: spec.evaluate.temperature, count: spec.evaluate.samples }],
};

async function sample(
  at: string,
  policy: LocalModel,
  list: PromptRow[],
  sampling: Sampling,
  firstIndex = 0,
): Promise<Completion[]> {
  const temperatures = sampling.samples.flatMap(({ temperature, count }) =>
    Array.from({ length: count }, () => temperature),
  );
  const rows: Completion[] = [];
  for (const piece of pieces(list, spec.pieces.prompts)) {
    const requests = reckon(() =>
      piece.flatMap((prompt) =>
        temperatures.map((temperature, offset) => ({
          prompt,
          index: firstIndex + offset,
          temperature,
          seed: completionSeed(spec.seed, at, prompt.id, firstIndex + offset),
        })),
      ),
    );
    rows.push(...(await generator.generate(policy, requests, sampling, CONTEXT)));
  }
  return rows;
}

/** By pieces of the prompt list, as the stages do. */
async function scored(
  list: PromptRow[],
  answers: Completion[],
  ask: (rows: (Completion & { prompt: PromptRow })[]) => Promise<number[]>,
): Promise<number[]> {
  const byId = new Map(list.map((prompt) => [prompt.id, prompt]));
  const scores: number[] = [];
  for (const piece of pieces(answers, spec.pieces.prompts * (answers.length / list.length)))
    scores.push(...(await ask(piece.map((row) => ({ ...row, prompt: byId.get(row.promptId)! })))));
  return scores;
}

function grouped<R extends { promptId: string }>(
  list: PromptRow[],
  rows: R[],
): { prompt: PromptRow; candidates: R[] }[] {
  const groups = new Map(list.map((prompt) => [prompt.id, { prompt, candidates: [] as R[] }]));
  for (const row of rows) groups.get(row.promptId)!.candidates.push(row);
  return [...groups.values()];
}

async function train(
  at: string,
  stage: "sft" | "reward" | "train",
  task: TrainTask,
  start: LocalModel,
  rows: string,
  optimizer: Optimizer,
  reference?: LocalModel,
): Promise<LocalModel> {
  const name = join(dir, `${at}-${stage}`);
  await writeFile(`${name}.jsonl`, rows);
  await trainer.train(
    {
      task,
      start,
      ...(reference ? { reference } : {}),
      rowsPath: `${name}.jsonl`,
      optimizer: { ...optimizer, seed: deriveSeed(spec.seed, at, stage) },
      outDir: name,
      checkpointDir: `${name}.checkpoints`,
      checkpoint: { everySteps: 1_000_000, everySeconds: 86_400 },
    },
    { ...CONTEXT, onCheckpoint: () => {} },
  );
  weights[`${at} ${stage}`] = await fileDigest(join(name, "model.safetensors"));
  return { digest: name, dir: name };
}

const asAnswer = ({ text, finish }: Pick<Completion, "text" | "finish">) => ({ text, finish });

async function evaluate(
  at: string,
  list: PromptRow[],
  policy: LocalModel,
  initial: LocalModel,
  reward: LocalModel,
  opponents?: Completion[],
): Promise<Completion[]> {
  const answers: Completion[] = [];
  const shares: [string, number][] = [];
  for (const piece of pieces(list, spec.pieces.prompts)) {
    const rows = await sample(at, policy, piece, evaluation);
    await scored(piece, rows, (asked) => scorer.rewards(reward, asked, CONTEXT));
    await scored(piece, rows, (asked) => scorer.logps(initial, asked, CONTEXT));
    if (opponents) shares.push(...(await compare(piece, rows, opponents)));
    answers.push(...rows);
  }
  if (opponents)
    reckon(() =>
      winRate(new Map(shares), { resamples: spec.evaluate.resamples, seed: `${spec.seed}/win-rate` }),
    );
  return answers;
}

async function compare(
  list: PromptRow[],
  answers: Completion[],
  opponents: Completion[],
): Promise<[string, number][]> {
  const ids = new Set(list.map(({ id }) => id));
  const [ours, theirs] = [
    await golds(list, answers),
    await golds(
      list,
      opponents.filter(({ promptId }) => ids.has(promptId)),
    ),
  ];
  return reckon(() => list.map(({ id }) => [id, winShare(ours.get(id)!, theirs.get(id)!)]));
}

/** By prompt. */
async function golds(list: PromptRow[], rows: Completion[]): Promise<Map<string, number[]>> {
  const groups = reckon(() => grouped(list, rows));
  const scores = await goldOfRows(
    groups.flatMap(({ prompt, candidates }) =>
      candidates.map((row) => ({ prompt, answer: asAnswer(row) })),
    ) as never,
  );
  const each = spec.evaluate.samples;
  return new Map(
    groups.map(({ prompt }, index) => [
      prompt.id,
      scores.slice(index * each, (index + 1) * each).map(({ total }) => total),
    ]),
  );
}

async function promote(
  at: string,
  list: PromptRow[],
  candidates: Completion[],
  incumbents: Completion[],
): Promise<void> {
  const byId = new Map(list.map((prompt) => [prompt.id, prompt]));
  const probabilities = (await judge(
    candidates.map((row, index) => ({
      prompt: byId.get(row.promptId)!,
      first: asAnswer(row),
      second: asAnswer(incumbents[index]!),
      seed: `${at}/${row.promptId}/${row.index}`,
    })) as never,
  )) as number[];
  reckon(() =>
    winRate(
      sharesOf(candidates.map(({ promptId }, index) => ({ promptId, probability: probabilities[index]! }))),
      { resamples: spec.evaluate.resamples, seed: `${spec.seed}/promote` },
    ),
  );
}

async function campaign(): Promise<void> {
  const { sft: sftStage, reward: rewardStage, preferences } = spec.bootstrap;
  if (!sftStage || !rewardStage || !preferences || !("sample" in preferences))
    throw new Error("the plain recipe is the shop's: SFT, rated answers, a reward model");
  const zero = place(0);
  const initial = await train(
    zero,
    "sft",
    { kind: "sft", promptMask: sftStage.promptMask },
    { digest: given, dir: given },
    sft,
    sftStage.optimizer,
  );
  const sampled = await sample(zero, initial, prompts.preferences, preferences.sample);
  const { comparisons, identical } = reckon(() =>
    comparisonsOf(grouped(prompts.preferences, sampled), deriveSeed(spec.seed, zero)),
  );
  const labels = await rater(
    comparisons.map(({ prompt, first, second, seed }) => ({
      prompt,
      first: asAnswer(first),
      second: asAnswer(second),
      seed,
    })) as never,
  );
  const rated = reckon(() => formatRows(pairsFromLabels(comparisons, labels, identical).pairs));
  const reward = await train(zero, "reward", { kind: "reward" }, initial, rated, rewardStage.optimizer);
  const opponents = await sample(zero, initial, prompts.test, evaluation, spec.evaluate.samples);
  let incumbents = await evaluate(zero, prompts.validation, initial, initial, reward);
  await evaluate(zero, prompts.test, initial, initial, reward, opponents);

  let policy = initial;
  for (let k = 1; k <= spec.iterations; k++) {
    const at = place(k);
    const list = prompts.iterations.slice((k - 1) * spec.prompts.perIteration, k * spec.prompts.perIteration);
    const drawn = await sample(at, policy, list, spec.generate);
    const scores = await scored(list, drawn, (asked) => scorer.rewards(reward, asked, CONTEXT));
    const pairs = reckon(() =>
      formatRows(
        pairGroups(
          grouped(
            list,
            drawn.map((row, index) => ({ ...row, score: scores[index]! })),
          ),
          spec.pair,
          deriveSeed(spec.seed, at),
        ).pairs,
      ),
    );
    policy = await train(at, "train", policyTask(spec.train), policy, pairs, spec.train.optimizer, initial);
    const candidates = await evaluate(at, prompts.validation, policy, initial, reward);
    await evaluate(at, prompts.test, policy, initial, reward, opponents);
    await promote(at, prompts.validation, candidates, incumbents);
    incumbents = candidates;
  }
}

await rm(dir, { recursive: true, force: true });
await mkdir(dir, { recursive: true });
const began = performance.now();
await campaign();
process.stdout.write(
  JSON.stringify({
    seconds: (performance.now() - began) / 1000,
    arithmetic: arithmeticMs / 1000,
    weights,
  } satisfies PlainOutput),
);
process.exit();
