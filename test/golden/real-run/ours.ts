// Ratchet's half of the real run (compare.py): `ours.js MODEL OUT STEPS`. The checkpoint writes two stories
// for each prompt of examples/tinystories. They become rows on which the runtime trains as in a campaign:
// SFT, then from its result a reward model and DPO. OUT receives the rows, their order in the steps, every
// model, and ours.json with the curves.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readCheckpoint, writeCheckpoint } from "../../../engine/checkpoint/checkpoint.ts";
import { rewardModelFrom } from "../../../engine/model/index.ts";
import { planBatches } from "../../../engine/train/batches.ts";
import { storyScore } from "../../../examples/tinystories/story.ts";
import { createOnnxRuntime } from "../../../runtimes/onnx/index.ts";
import type {
  Completion,
  LocalModel,
  OptimizerSettings,
  Prompt,
  TrainTask,
} from "../../../runtimes/types.ts";

const [model, out, stepsGiven] = process.argv.slice(2) as [string, string, string];
const steps = Number(stepsGiven);
const batch = 8;
/** Prompts that are not trained on, for comparing the finished models. */
const heldOut = 64;
const context = { signal: new AbortController().signal, onProgress: () => {} };
const runtime = createOnnxRuntime({ threads: 2 });
const local = (dir: string): LocalModel => ({ digest: dir, dir });

const optimizer: Omit<OptimizerSettings, "learningRate"> = {
  betas: [0.9, 0.95],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  schedule: "cosine",
  warmup: 0.1,
  epochs: 1,
  batch,
  seed: "00000000000005f7",
  maxLength: 256,
};

interface Stage {
  task: TrainTask;
  learningRate: number;
  rows: "stories" | "pairs";
}

const stages = {
  sft: { task: { kind: "sft", promptMask: true }, learningRate: 3e-4, rows: "stories" },
  reward: { task: { kind: "reward" }, learningRate: 3e-5, rows: "pairs" },
  dpo: { task: { kind: "dpo", beta: 0.1 }, learningRate: 1e-4, rows: "pairs" },
} satisfies Record<string, Stage>;

// -------------------------------------------------------------- rows

const jsonLines = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

async function promptsOfExample(): Promise<Required<Pick<Prompt, "id" | "prompt">>[]> {
  const path = fileURLToPath(new URL("../../../../examples/tinystories/prompts.jsonl", import.meta.url));
  return (await readFile(path, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { id: string; prompt: string });
}

/** For each prompt the better and the worse of two stories; skips prompts whose stories have equal scores. */
async function pairsFor(count: number): Promise<{ prompt: string; chosen: string; rejected: string }[]> {
  const pairs: { prompt: string; chosen: string; rejected: string }[] = [];
  const prompts = await promptsOfExample();
  for (let at = 0; pairs.length < count && at < prompts.length; at += 64) {
    const asked = prompts.slice(at, at + 64);
    const requests = asked.flatMap((prompt, row) =>
      [0, 1].map((index) => ({
        prompt,
        index,
        temperature: 1,
        seed: (2 * (at + row) + index).toString(16).padStart(16, "0"),
      })),
    );
    const stories = await runtime.generator.generate(
      local(model),
      requests,
      { maxTokens: 128, topK: 0, topP: 1, minP: 0, stop: [] },
      context,
    );
    for (const [row, { prompt }] of asked.entries()) {
      const told = stories
        .slice(2 * row, 2 * row + 2)
        .sort((a, b) => storyScore(b).total - storyScore(a).total) as [Completion, Completion];
      if (
        storyScore(told[0]).total > storyScore(told[1]).total &&
        told.every(({ text }) => text.trim() !== "")
      )
        pairs.push({ prompt, chosen: told[0].text, rejected: told[1].text });
    }
  }
  if (pairs.length < count)
    throw new Error(`${prompts.length} prompts gave ${pairs.length} pairs; ${count} are needed: fewer steps`);
  return pairs.slice(0, count);
}

// -------------------------------------------------------------- the run

async function train(name: keyof typeof stages, start: string): Promise<Record<string, number>[]> {
  const { task, learningRate, rows } = stages[name];
  const { curve, dropped, cut } = await runtime.trainer.train(
    {
      task,
      start: local(start),
      reference: name === "dpo" ? local(start) : undefined,
      rowsPath: join(out, `${rows}.jsonl`),
      optimizer: { ...optimizer, learningRate },
      outDir: join(out, name),
      checkpointDir: join(out, "checkpoints"),
      checkpoint: { everySteps: 0, everySeconds: 0 },
    },
    { ...context, onCheckpoint: () => {} },
  );
  // With a dropped row, all later rows would come at other steps than in the peer's run.
  if (Object.keys(dropped).length > 0 || cut > 0)
    throw new Error(`${name} left out ${JSON.stringify(dropped)} and cut ${cut}`);
  return curve;
}

await mkdir(out, { recursive: true });
const pairs = await pairsFor(steps * batch + heldOut);
const [held, used] = [pairs.slice(0, heldOut), pairs.slice(heldOut)];
await writeFile(join(out, "pairs.jsonl"), jsonLines(used));
await writeFile(
  join(out, "stories.jsonl"),
  jsonLines(used.map(({ prompt, chosen }) => ({ prompt, completion: chosen }))),
);
await writeFile(join(out, "held.jsonl"), jsonLines(held));
const sft = await train("sft", model);
// The head of a reward model is random: the peer starts from this one.
const head = join(out, "reward-start");
await writeCheckpoint(head, rewardModelFrom(await readCheckpoint(join(out, "sft")), optimizer.seed), model);
const curves = {
  sft,
  reward: await train("reward", join(out, "sft")),
  dpo: await train("dpo", join(out, "sft")),
};

const answers = held.flatMap(({ prompt, chosen, rejected }, row) =>
  [chosen, rejected].map((text) => ({ prompt: { id: String(row), prompt }, text })),
);
const scores = {
  sft: await runtime.scorer.logps(local(join(out, "sft")), answers, context),
  reward: await runtime.scorer.rewards(local(join(out, "reward")), answers, context),
  dpo: await runtime.scorer.logps(local(join(out, "dpo")), answers, context),
};
await writeFile(
  join(out, "ours.json"),
  JSON.stringify({ optimizer, stages, plan: planBatches(used.length, optimizer), curves, scores }),
);
await runtime.close();
