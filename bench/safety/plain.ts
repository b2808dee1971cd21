// A small shop's campaign as plain calls in one process, to measure what durability adds.
//   plain.js INPUT      a JSON file of PlainInput; prints PlainOutput
import { mkdir, readFile, rm } from "node:fs/promises";
import type { PromptRow } from "../../campaign/recipe/rows.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { planOf } from "../../campaign/spec/plan.ts";
import type { Place, PlaceInput, Pointer } from "../../campaign/types.ts";
import { SessionPool } from "../../engine/train/index.ts";
import { onnxRuntimeOn } from "../../runtimes/onnx/index.ts";
import { generate, score } from "../../runtimes/onnx/inference.ts";
import { Models } from "../../runtimes/onnx/models.ts";
import type { Pool } from "../../runtimes/onnx/pool.ts";
import { train as trainInChild } from "../../runtimes/onnx/training.ts";
import type { WorkContext } from "../../runtimes/types.ts";
import { prepare } from "../../workflows/bootstrap.ts";
import { iterate } from "../../workflows/iteration.ts";
import { PlainStages } from "./plain-stages.ts";
import type { PlainWorld } from "./plain-stages.ts";

export interface PlainInput {
  spec: CompiledSpec;
  /** The given policy's folder. */
  policy: string;
  prompts: Record<"bootstrap" | "iterations" | "validation" | "test", PromptRow[]>;
  /** SFT's rows. */
  sft: string;
  dir: string;
  threads: number;
}

export interface PlainOutput {
  seconds: number;
  /** Of these, the recipe's own arithmetic. */
  arithmetic: number;
  /** SHA-256 by `<place> <stage>`. */
  weights: Record<string, string>;
}

/**
 * The engine in this process. One call at a time, like an engine child: a model decodes one batch at a time.
 */
function engine(threads: number): PlainWorld["runtime"] {
  const context: WorkContext = { signal: new AbortController().signal, onProgress: () => {} };
  const models = new Models(threads);
  const sessions = new SessionPool();
  const answer = (method: string, args: never): Promise<unknown> => {
    if (method === "generate") return generate(models, args, context);
    if (method === "train")
      return trainInChild(args, { threads, pool: sessions }, { ...context, onCheckpoint: () => {} });
    return score(models, method as "rewards" | "logps", args, context);
  };
  let before: Promise<unknown> = Promise.resolve();
  const call = (method: string, _model: string, args: never): Promise<unknown> =>
    (before = before.then(() => answer(method, args)));
  const pool: Pick<Pool, "call"> = { call: call as Pool["call"] };
  return onnxRuntimeOn(pool, pool);
}

/** The campaign workflow without its ledger: bootstrap, then the iterations. */
async function campaign(world: PlainWorld): Promise<void> {
  const { baselines: _none, ...plan } = planOf(world.spec);
  const at = (place: Place): PlaceInput & { place: Place } => ({
    campaign: { campaignId: "plain", specDigest: "", storeName: "" },
    epoch: 1,
    place,
    plan,
  });
  const zero = { iteration: 0, take: 1 };
  const { bootstrap, stages } = await prepare(new PlainStages(world, zero), { ...at(zero), given: "given" });
  let latest: Pointer = { ...zero, policy: bootstrap.policy, answers: stages.answer! };
  let promoted = latest;
  for (let iteration = 1; iteration <= plan.iterations; iteration += 1) {
    const place = { iteration, take: 1 };
    const done = await iterate(new PlainStages(world, place), {
      ...at(place),
      bootstrap,
      latest,
      promoted,
      earlier: [],
    });
    latest = { ...place, policy: done.policy, answers: done.stages.answer! };
    if (done.decision === "promoted") promoted = latest;
  }
}

const { policy, threads, ...given } = JSON.parse(await readFile(process.argv[2]!, "utf8")) as PlainInput;
await rm(given.dir, { recursive: true, force: true });
await mkdir(given.dir, { recursive: true });
const world: PlainWorld = {
  ...given,
  runtime: engine(threads),
  models: new Map([["given", { digest: policy, dir: policy }]]),
  answers: new Map(),
  scored: new Map(),
  labels: new Map(),
  pairs: new Map(),
  verdictsBy: new Map(),
  weights: {},
  arithmeticMs: 0,
};
const began = performance.now();
await campaign(world);
process.stdout.write(
  JSON.stringify({
    seconds: (performance.now() - began) / 1000,
    arithmetic: world.arithmeticMs / 1000,
    weights: world.weights,
  } satisfies PlainOutput),
);
process.exit();
