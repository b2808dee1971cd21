// With the real engine, cache and store: somebody clears a worker's cache while it works. Files are fetched
// from the store again; a file that is not in the store fails the attempt.
import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, rm, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { formatRows } from "../campaign/recipe/rows.ts";
import type { Tree } from "../campaign/types.ts";
import { tinyCheckpoint, writeTinyModel } from "../engine/tiny-model.test.support.ts";
import { createOnnxRuntime } from "../runtimes/onnx/index.ts";
import type { OnnxRuntime } from "../runtimes/onnx/index.ts";
import { openCache } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import type { GenerateInput, TrainInput } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { isCounted } from "./attempt/failure.ts";
import { generateStage } from "./stages/generate.ts";
import { runShard } from "./pieces.ts";
import { fakeDeps, memoryStore, smallSpec, stageContext } from "./attempt/stage-context.test.support.ts";
import { train } from "./stages/train.ts";

let dir = "";
let runtime: OnnxRuntime;
let models = 0;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "ratchet-cleared-"));
  runtime = createOnnxRuntime({ threads: 1 });
});
after(async () => {
  await runtime.close();
  await rm(dir, { recursive: true, force: true });
});

/** The folder of a model that no test before has loaded into the engine. */
async function newModel(): Promise<string> {
  const model = await mkdtemp(join(dir, "model-"));
  await writeTinyModel(model, tinyCheckpoint({}, 10 + models++));
  return model;
}

interface Worker {
  store: Store;
  policy: string;
  cacheDir: string;
  deps: Deps;
}

/** A worker that has not loaded its model yet, over a store that holds it. */
async function worker(use: (worker: Worker) => Promise<void>): Promise<void> {
  const store = await memoryStore();
  const cacheDir = await mkdtemp(join(dir, "cache-"));
  const cache = openCache({ dir: cacheDir, maxBytes: 1e9, store });
  const deps = fakeDeps({
    store,
    deps: {
      cache,
      generator: { ...runtime.generator },
      trainer: { ...runtime.trainer },
      scratchDir: join(dir, "scratch"),
    },
  });
  await use({ store, policy: await store.putTree(await newModel()), cacheDir, deps });
}

/** Runs `clear` between the attempt's copy of the model and the engine's read, `then` before the result. */
function clearBeforeGenerating(
  { deps }: Worker,
  clear: () => Promise<void>,
  then: () => Promise<unknown> = async () => undefined,
): void {
  const { generate } = deps.generator;
  deps.generator.generate = async (...asked) => {
    deps.generator.generate = generate;
    await clear();
    return generate(...asked).finally(then);
  };
}

const isRetried = (error: Error & { code?: string }): boolean =>
  error.code === "cache_cleared" && isCounted(error);

async function generatePiece({ store, policy, deps }: Worker): Promise<void> {
  const small = await smallSpec(store);
  const iterations = { rows: await store.putBlob(formatRows([{ id: "p", prompt: "red fish" }])), count: 1 };
  const spec = { ...small, prompts: { ...small.prompts, iterations, perIteration: 1 } };
  const context = stageContext<GenerateInput>({
    spec,
    deps,
    input: { stage: "generate", source: "iteration", policy },
  });
  await runShard(context, await generateStage(context), { index: 0, from: 0, to: 1 });
}

const clearings: [what: string, clear: (worker: Worker) => Promise<void>][] = [
  ["everything", ({ cacheDir }) => rm(cacheDir, { recursive: true })],
  [
    "a model's weights",
    ({ cacheDir, policy }) => unlink(join(cacheDir, `tree-${policy}`, "model.safetensors")),
  ],
  [
    "a model's tokenizer",
    ({ cacheDir, policy }) => unlink(join(cacheDir, `tree-${policy}`, "tokenizer.json")),
  ],
];
for (const [what, clear] of clearings) {
  it(`fails an attempt whose cache lost ${what}, and the retry fetches it again`, () =>
    worker(async (of) => {
      clearBeforeGenerating(of, () => clear(of));
      await assert.rejects(generatePiece(of), isRetried);
      await generatePiece(of);
    }));
}

it("retries such an attempt even if another shard has fetched the model meanwhile", () =>
  worker(async (of) => {
    clearBeforeGenerating(
      of,
      () => rm(of.cacheDir, { recursive: true }),
      () => of.deps.cache.tree(of.policy),
    );
    await assert.rejects(generatePiece(of), isRetried);
    await generatePiece(of);
  }));

it("fails for good if the store does not have the files either", () =>
  worker(async (of) => {
    const { files } = await of.store.getJson<Tree>(of.policy);
    for (const { digest } of files)
      await of.store.backend.delete(`blobs/sha256/${digest.slice(0, 2)}/${digest}`);
    await assert.rejects(generatePiece(of), { kind: "artifact", code: "artifact_missing" });
  }));

it("fails for good if the model never had the file, since its copy is whole", () =>
  worker(async (of) => {
    const model = await newModel();
    await unlink(join(model, "model.safetensors"));
    await assert.rejects(generatePiece({ ...of, policy: await of.store.putTree(model) }), {
      kind: "artifact",
      code: "artifact_missing",
    });
  }));

it("finishes a training whose cache is cleared, with a whole model, tokenizer included", () =>
  worker(async ({ store, policy, cacheDir, deps }) => {
    const rows = await store.putBlob(
      formatRows(
        [0, 1, 2, 3].map((i) => ({
          prompt: "red fish",
          chosen: i % 2 ? " blue sea" : " sun",
          rejected: " moon",
        })),
      ),
    );
    const pairs = await store.putJson({ stage: "pair", pairs: rows });
    const context = stageContext<TrainInput>({
      spec: await smallSpec(store),
      deps,
      input: { stage: "train", start: policy, reference: policy, pairs },
    });
    context.onProgress = ({ unit }) => {
      if (unit === "steps") rmSync(cacheDir, { recursive: true, force: true });
    };
    const started = (await store.getJson<Tree>(policy)).files;
    const { files } = await store.getJson<Tree>((await train(context)).policy);
    assert.equal(existsSync(cacheDir), false, "it was cleared");
    assert.deepEqual(
      files.map(({ path }) => path),
      started.map(({ path }) => path),
    );
  }));
