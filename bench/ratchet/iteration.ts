// One whole iteration from a fresh process: sample, score, pair, two epochs of DPO, sample and score the
// validation prompts.
//   node dist/bench/ratchet/iteration.js WORK.json THREADS VARIANT     prints {facts, amount, parts}
import { readFile, rm, writeFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pairGroups } from "../../campaign/recipe/pairing.ts";
import { createOnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import type { IterationWork } from "../work.ts";
import { generatePieces, promptsOf } from "./generate.ts";
import { CONTEXT, localModel, timed } from "./started.ts";
import { childrenOf } from "./variants.ts";

const work = JSON.parse(await readFile(process.argv[2]!, "utf8")) as IterationWork;
const runtime = createOnnxRuntime({
  threads: Number(process.argv[3]),
  children: childrenOf(process.argv[4]!),
});

const rewards = (prompts: Prompt[], answers: Completion[]): Promise<number[]> => {
  const byId = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  return runtime.scorer.rewards(
    localModel(work.reward),
    answers.map(({ promptId, ids, text }) => ({ prompt: byId.get(promptId)!, ids, text })),
    CONTEXT,
  );
};

async function pairs(
  prompts: Prompt[],
  answers: Completion[],
  scores: number[],
): Promise<{ path: string; count: number }> {
  const groups = prompts.map((prompt) => ({
    prompt,
    candidates: answers.flatMap((answer, row) =>
      answer.promptId === prompt.id ? [{ ...answer, score: scores[row]! }] : [],
    ),
  }));
  const made = pairGroups(
    groups,
    {
      strategy: "max-min",
      lengthPenalty: { weight: 0, per: "token" },
      dropTruncated: false,
      missingEosPenalty: 0,
      limit: 0,
    },
    "0000000000000001",
  );
  const path = join(work.out, "pairs.jsonl");
  await writeFile(path, made.pairs.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return { path, count: made.pairs.length };
}

await mkdir(work.out, { recursive: true });
const prompts = promptsOf(work.prompts);
const generated = await timed(() => generatePieces(runtime, work.policy, prompts, work, "iteration"));
const scored = await timed(() => rewards(prompts, generated.value));
const paired = await pairs(prompts, generated.value, scored.value);
const outDir = join(work.out, "model");
const trained = await timed(() =>
  runtime.trainer.train(
    {
      task: { kind: "dpo", beta: work.beta },
      start: localModel(work.policy),
      reference: localModel(work.policy),
      rowsPath: paired.path,
      optimizer: work.optimizer,
      outDir,
      checkpointDir: join(work.out, "checkpoints"),
      checkpoint: { everySteps: 0, everySeconds: 0 },
    },
    { ...CONTEXT, onCheckpoint: () => {} },
  ),
);
const validation = promptsOf(work.validation);
const evaluated = await timed(async () => {
  const answers = await generatePieces(
    runtime,
    outDir,
    validation,
    { ...work, samples: work.validationSamples },
    "validation",
  );
  return { answers, scores: await rewards(validation, answers) };
});
await runtime.close();
await rm(work.out, { recursive: true, force: true });

const tokens = [...generated.value, ...evaluated.value.answers].reduce((sum, { ids }) => sum + ids.length, 0);
console.log(
  JSON.stringify({
    // Completions, pairs, steps, the first step's loss.
    facts: [generated.value.length, paired.count, trained.value.steps, trained.value.curve[0]!["loss"]],
    tokens,
    parts: {
      generate: generated.seconds,
      score: scored.seconds,
      train: trained.seconds,
      evaluate: evaluated.seconds,
    },
  }),
);
