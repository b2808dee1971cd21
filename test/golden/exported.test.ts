// `ratchet export` writes the model that was trained: the engine's log-probabilities from the exported files
// are those that the trainer had in memory at that step. docs/parity.md compares transformers on the same
// files.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { LedgerEvent } from "../../campaign/types.ts";
import { exportCheckpoint } from "../../client/record/export.ts";
import { tinyCheckpoint, writeTinyModel } from "../../engine/tiny-model.test.support.ts";
import { createOnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { LocalModel, TrainHooks } from "../../runtimes/types.ts";
import { openStore } from "../../store/index.ts";

const scratch = await mkdtemp(join(tmpdir(), "ratchet-exported-"));
const runtime = createOnnxRuntime({ threads: 1, children: 1 });
after(async () => {
  await runtime.close();
  await rm(scratch, { recursive: true, force: true });
});

const HOOKS: TrainHooks = {
  signal: new AbortController().signal,
  onProgress: () => undefined,
  onCheckpoint: () => undefined,
};
/** A constant rate, so that a short run takes the same steps as the beginning of a long one. */
const OPTIMIZER = {
  learningRate: 1e-3,
  betas: [0.9, 0.95] as [number, number],
  epsilon: 1e-8,
  weightDecay: 0.01,
  clip: 1,
  schedule: "constant" as const,
  warmup: 0,
  batch: 1,
  seed: "00000000000000aa",
  maxLength: 64,
};

interface Answers {
  prompt: string;
  chosen: string;
  rejected: string;
}

/** Trains on one pair, one step per epoch. The curve has the answers' log-probabilities before each step. */
async function trained(start: LocalModel, pair: Answers, steps: number) {
  const dir = await mkdtemp(join(scratch, "train-"));
  const rowsPath = join(dir, "rows.jsonl");
  await writeFile(rowsPath, `${JSON.stringify(pair)}\n`);
  const request = {
    task: { kind: "dpo", beta: 0.1 } as const,
    start,
    reference: start,
    rowsPath,
    outDir: join(dir, "out"),
    checkpointDir: join(dir, "checkpoints"),
    checkpoint: { everySteps: 100, everySeconds: 1000 },
  };
  const { curve } = await runtime.trainer.train(
    { ...request, optimizer: { ...OPTIMIZER, epochs: steps } },
    HOOKS,
  );
  return { curve, outDir: join(dir, "out") };
}

/** Exports through a store and a campaign's record, as the command does. */
async function exported(outDir: string): Promise<LocalModel> {
  const store = await openStore("memory:");
  const policy = await store.putTree(outDir);
  const specDigest = await store.putJson({ iterations: 1, train: { loss: "sigmoid" } });
  const events: LedgerEvent[] = [
    { type: "created", specDigest, name: "small" },
    { type: "bootstrap-finished", bootstrap: { policy: "given", opponent: "none" }, stages: {} },
    { type: "iteration-finished", iteration: 1, take: 1, policy, stages: {}, decision: "promoted" },
  ];
  for (const [n, event] of events.entries())
    await store.ledger("small").append({ id: `row-${n}`, epoch: 0, event, by: "test" });
  const { path, digest } = await exportCheckpoint(
    store,
    { campaignId: "small" },
    "latest",
    join(scratch, `model-${policy.slice(0, 8)}`),
  );
  return { digest, dir: path };
}

async function checked(start: LocalModel, pair: Answers): Promise<void> {
  const [short, long] = [await trained(start, pair, 2), await trained(start, pair, 3)];
  const model = await exported(short.outDir);
  const prompt = { id: "p", prompt: pair.prompt };
  const [chosen, rejected] = await runtime.scorer.logps(
    model,
    [
      { prompt, text: pair.chosen },
      { prompt, text: pair.rejected },
    ],
    HOOKS,
  );
  const inMemory = long.curve[2] as Record<string, number>;
  const near = (a: number | undefined, b: number | undefined) =>
    assert.ok(Math.abs((a ?? NaN) - (b ?? NaN)) < 1e-3, `${a} and ${b}`);
  near(chosen, inMemory["logps/chosen"]);
  near(rejected, inMemory["logps/rejected"]);
  assert.ok(
    Math.abs((chosen ?? 0) - (long.curve[0]?.["logps/chosen"] ?? 0)) > 0.01,
    "two steps have moved it, so the start would not pass",
  );
}

it("an exported checkpoint has the trained weights' log-probabilities within 1e-3 per answer", async () => {
  const dir = join(scratch, "tiny");
  await mkdir(dir);
  await writeTinyModel(dir, tinyCheckpoint());
  await checked(
    { digest: "tiny", dir },
    { prompt: "red fish", chosen: " green bird", rejected: " sun moon sea" },
  );
});

const PRETRAINED = fileURLToPath(new URL("../../../../shared/models/baby-llama-105", import.meta.url));
it(
  "so has that of a real pretrained checkpoint with a tokenizer of characters",
  { skip: existsSync(PRETRAINED) ? false : `no checkpoint at ${PRETRAINED}` },
  () =>
    checked(
      { digest: "baby-llama", dir: PRETRAINED },
      { prompt: "Tom had a kite.", chosen: " He was happy.", rejected: " He was sad." },
    ),
);
