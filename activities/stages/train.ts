// sft, reward and train: one optimizer run from a checkpoint to a new one, resumed at its newest valid step.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { checkpointsPrefix } from "../../campaign/ids.ts";
import type { Digest, TrainResult, Tree } from "../../campaign/types.ts";
import type { TrainOutcome, TrainRequest } from "../../runtimes/types.ts";
import { addressOf } from "../address.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { Trained, TrainInput } from "../contract.ts";
import type { StageContext } from "../attempt/context.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import { withModel } from "../models.ts";
import { retryDuringOutage } from "../attempt/retry-during-outage.ts";
import { stageKey, stamp } from "../pieces.ts";
import { KeptReference } from "./reference.ts";
import { recipeOf } from "./train-recipe.ts";
import type { Recipe } from "./train-recipe.ts";

interface TrainManifest {
  schema: string;
  result: TrainResult;
  facts: object;
}

export async function train(context: StageContext<TrainInput>): Promise<Trained> {
  const { store } = context.deps;
  const recipe = await recipeOf(context);
  const key = stageKey(context, recipe);
  const { campaign, place, stage } = context.input;
  const reference = new KeptReference(context, recipe);
  const checkpoints = new Checkpoints(
    context,
    checkpointsPrefix(campaign.campaignId, place, stage, addressOf(recipe)),
  );
  const found = await store.readManifest<TrainManifest>(key);
  if (found) {
    // Whoever committed it may have died before it cleared them.
    await checkpoints.clear();
    return trained(found.digest, found.manifest.result);
  }

  await mkdir(context.deps.scratchDir, { recursive: true });
  // A folder of its own even for an attempt that was delivered twice, as after a Temporal database was restored.
  const scratch = await mkdtemp(
    join(context.deps.scratchDir, `${campaign.campaignId}-${context.place}-${stage}-`),
  );
  try {
    const { outcome, outDir, resumedFrom } = await run(context, recipe, { checkpoints, reference, scratch });
    const result = await retryDuringOutage(context, () => resultFrom(context, recipe, outcome, outDir));
    const previousStep = context.previous?.step;
    const facts = context.facts({
      resumedFrom,
      computed: outcome.steps - resumedFrom,
      // Steps that the attempt before had reported and this one did again.
      ...(previousStep === undefined ? {} : { recomputed: Math.max(0, previousStep - resumedFrom) }),
      ...checkpoints.facts(),
      ...reference.facts(),
    });
    const committed = await retryDuringOutage(context, async () => {
      const { files } = await store.getJson<Tree>(result.policy);
      return store.commitManifest<TrainManifest>(key, { schema: `ratchet.${stage}/1`, result, facts }, [
        result.policy,
        result.curve,
        ...files.map(({ digest }) => digest),
      ]);
    });
    await checkpoints.clear();
    return trained(committed.digest, committed.manifest.result);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What outlives an attempt at a training, and its folder. */
interface Kept {
  checkpoints: Checkpoints;
  reference: KeptReference;
  scratch: string;
}

async function run(
  context: StageContext<TrainInput>,
  recipe: Recipe,
  { checkpoints, reference, scratch }: Kept,
): Promise<{ outcome: TrainOutcome; outDir: string; resumedFrom: number }> {
  const { deps, spec } = context;
  const rowsPath = join(scratch, "rows.jsonl");
  await writeFile(rowsPath, await deps.store.getBlob(recipe.rows));
  const resume = await checkpoints.newest(join(scratch, "resume"));
  // A checkpoint has its own copy.
  const referenceLogps = resume || !recipe.reference ? undefined : await reference.find();
  const outDir = join(scratch, "out");
  const request = {
    task: recipe.task,
    ...(referenceLogps ? { referenceLogps } : {}),
    ...(recipe.lora === undefined ? {} : { lora: recipe.lora }),
    rowsPath,
    optimizer: { ...recipe.optimizer, seed: recipe.seed },
    ...(resume ? { resumeDir: resume.dir } : {}),
    outDir,
    checkpointDir: join(scratch, "checkpoints"),
    checkpoint: spec.checkpoint,
  };
  let steppedAtMs = performance.now();
  const stepped = (done: number): void => {
    const { step = resume?.step ?? 0 } = context.trace;
    if (done > Math.max(step, context.previous?.step ?? 0))
      context.madeProgress((performance.now() - steppedAtMs) / (done - step));
    steppedAtMs = performance.now();
    context.trace.step = done;
  };
  try {
    const outcome = await withStart(context, recipe, (models) =>
      deps.trainer.train(
        { ...request, ...models },
        {
          signal: context.signal,
          onWaiting: context.onWaiting,
          onProgress: (progress) => {
            // Before the first step there are the reference's batches.
            if (progress.unit === "steps") stepped(progress.done);
            context.onProgress(progress);
          },
          onCheckpoint: (checkpoint) => checkpoints.upload(checkpoint),
          onReference: (computed) => reference.keep(computed),
        },
      ),
    );
    return { outcome, outDir, resumedFrom: resume?.step ?? 0 };
  } finally {
    context.resetWatchdog();
    // An aborted run has just written its last checkpoint: it counts only once it is in the store.
    await Promise.all([checkpoints.settled(), reference.settled()]);
  }
}

function withStart<R>(
  context: StageContext,
  { start, reference }: Recipe,
  compute: (models: Pick<TrainRequest, "start" | "reference">) => Promise<R>,
): Promise<R> {
  return withModel(context, start, (model) =>
    reference === undefined
      ? compute({ start: model })
      : withModel(context, reference, (other) => compute({ start: model, reference: other })),
  );
}

async function resultFrom(
  context: StageContext<TrainInput>,
  recipe: Recipe,
  outcome: TrainOutcome,
  outDir: string,
): Promise<TrainResult> {
  const { store } = context.deps;
  const policy = await store.putTree(outDir);
  const tree = await store.getJson<Tree>(policy);
  const weights = tree.files.find(({ path }) => path === "model.safetensors");
  if (!weights)
    throw new RatchetError("unreachable_state", "the trained checkpoint has no model.safetensors");
  return {
    ...stamp(context),
    stage: context.input.stage,
    start: recipe.start,
    reference: recipe.reference,
    data: context.input.pairs ?? recipe.rows,
    settings: addressOf({
      task: recipe.task,
      lora: recipe.lora,
      optimizer: recipe.optimizer,
      seed: recipe.seed,
    }),
    steps: outcome.steps,
    dropped: outcome.dropped,
    cut: outcome.cut,
    merged: outcome.merged,
    policy,
    weights: weights.digest,
    metrics: outcome.metrics,
    curve: await store.putBlob(formatRows(outcome.curve)),
  };
}

function trained(digest: Digest, { policy, steps, metrics }: TrainResult): Trained {
  return { digest, policy, values: { steps, ...metrics } };
}
