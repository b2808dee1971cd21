// sft, reward and train: one optimizer run from a checkpoint to a new one, resumed at its newest valid step.
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RatchetError } from "../../errors/index.ts";
import { checkpointsPrefix } from "../../campaign/ids.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { Digest, Facts, TrainResult, Tree } from "../../campaign/types.ts";
import type { TrainOutcome, TrainRequest } from "../../runtimes/types.ts";
import { addressOf, stageKey, stamp } from "../address.ts";
import type { StageContext } from "../attempt/context.ts";
import { retryDuringOutage } from "../attempt/retry-during-outage.ts";
import type { Trained, TrainInput } from "../contract.ts";
import { withModel } from "../models.ts";
import { CachedReference } from "./cached-reference.ts";
import { Checkpoints } from "./checkpoints.ts";
import { recipeOf } from "./train-recipe.ts";
import type { Recipe } from "./train-recipe.ts";

interface TrainManifest {
  schema: string;
  result: TrainResult;
  facts: object;
}

/** One training of a recipe. `checkpoints` and `reference` outlive the attempt; `scratch` is its folder. */
interface Run {
  context: StageContext<TrainInput>;
  recipe: Recipe;
  checkpoints: Checkpoints;
  reference: CachedReference;
  scratch: string;
}

export async function train(context: StageContext<TrainInput>): Promise<Trained> {
  const { store, scratchDir } = context.deps;
  const { campaign, place, stage } = context.input;
  const recipe = await recipeOf(context);
  const key = stageKey(context, recipe);
  const reference = new CachedReference(context, recipe);
  const checkpoints = new Checkpoints(
    context,
    checkpointsPrefix(campaign.campaignId, place, stage, addressOf(recipe)),
  );
  const found = await store.readManifest<TrainManifest>(key);
  if (found) {
    // The attempt that committed it may have died before it cleared them.
    await checkpoints.clear();
    return trained(found.digest, found.manifest.result);
  }

  await mkdir(scratchDir, { recursive: true });
  // A new folder even if Temporal delivered one attempt twice, as after its database was restored.
  const scratch = await mkdtemp(join(scratchDir, `${campaign.campaignId}-${context.place}-${stage}-`));
  try {
    const run = { context, recipe, checkpoints, reference, scratch };
    const { outcome, outDir, resumedFrom } = await compute(run);
    const result = await retryDuringOutage(context, () => resultFrom(run, outcome, outDir));
    const facts = factsOf(run, outcome.steps, resumedFrom);
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

async function compute(run: Run): Promise<{ outcome: TrainOutcome; outDir: string; resumedFrom: number }> {
  const { context, checkpoints, reference } = run;
  const { request, resumedFrom } = await requestOf(run);
  const stepDone = stepObserver(context, resumedFrom);
  try {
    const outcome = await withModels(run, (models) =>
      context.deps.trainer.train(
        { ...request, ...models },
        {
          signal: context.signal,
          onWaiting: context.onWaiting,
          onProgress: (progress) => {
            // Batches of the reference model are counted before the first step.
            if (progress.unit === "steps") stepDone(progress.done);
            context.onProgress(progress);
          },
          onCheckpoint: (checkpoint) => checkpoints.upload(checkpoint),
          onReference: (computed) => reference.store(computed),
        },
      ),
    );
    return { outcome, outDir: request.outDir, resumedFrom };
  } finally {
    context.resetWatchdog();
    // An aborted run has just saved its last checkpoint, which is lost with this machine until it is stored.
    await Promise.all([checkpoints.settled(), reference.settled()]);
  }
}

type Models = Pick<TrainRequest, "start" | "reference">;

/** The request without its models. Resumes the newest checkpoint, if there is one. */
async function requestOf({
  context: { deps, spec },
  recipe,
  checkpoints,
  reference,
  scratch,
}: Run): Promise<{ request: Omit<TrainRequest, keyof Models>; resumedFrom: number }> {
  const rowsPath = join(scratch, "rows.jsonl");
  await writeFile(rowsPath, await deps.store.getBlob(recipe.rows));
  const resume = await checkpoints.newest(join(scratch, "resume"));
  const request = {
    task: recipe.task,
    // A checkpoint holds them too.
    referenceLogps: resume || !recipe.reference ? undefined : await reference.find(),
    lora: recipe.lora,
    rowsPath,
    optimizer: { ...recipe.optimizer, seed: recipe.seed },
    resumeDir: resume?.dir,
    outDir: join(scratch, "out"),
    checkpointDir: join(scratch, "checkpoints"),
    checkpoint: spec.checkpoint,
  };
  return { request, resumedFrom: resume?.step ?? 0 };
}

/** Records each finished step. Only a step beyond those of the attempt before is progress. */
function stepObserver(context: StageContext, resumedFrom: number): (step: number) => void {
  let steppedAtMs = performance.now();
  return (step) => {
    const { step: before = resumedFrom } = context.heartbeat;
    if (step > Math.max(before, context.previous?.step ?? 0))
      context.madeProgress((performance.now() - steppedAtMs) / (step - before));
    steppedAtMs = performance.now();
    context.heartbeat.step = step;
  };
}

function withModels<R>(
  { context, recipe: { start, reference } }: Run,
  use: (models: Models) => Promise<R>,
): Promise<R> {
  return withModel(context, start, (model) =>
    reference === undefined
      ? use({ start: model })
      : withModel(context, reference, (other) => use({ start: model, reference: other })),
  );
}

function factsOf({ context, checkpoints, reference }: Run, steps: number, resumedFrom: number): Facts {
  const reported = context.previous?.step;
  return context.facts({
    resumedFrom,
    computed: steps - resumedFrom,
    // Steps that the attempt before had reported and this one computed again.
    recomputed: reported === undefined ? undefined : Math.max(0, reported - resumedFrom),
    ...checkpoints.facts(),
    ...reference.facts(),
  });
}

async function resultFrom(
  { context, recipe }: Run,
  outcome: TrainOutcome,
  outDir: string,
): Promise<TrainResult> {
  const { store } = context.deps;
  const policy = await store.putTree(outDir);
  const tree = await store.getJson<Tree>(policy);
  const weights = tree.files.find(({ path }) => path === "model.safetensors");
  if (!weights)
    throw new RatchetError("unreachable_state", "the trained checkpoint has no model.safetensors");
  const { start, reference, rows, task, lora, optimizer, seed } = recipe;
  const { steps, dropped, cut, merged, metrics, curve } = outcome;
  return {
    ...stamp(context),
    stage: context.input.stage,
    start,
    reference,
    data: context.input.pairs ?? rows,
    settings: addressOf({ task, lora, optimizer, seed }),
    steps,
    dropped,
    cut,
    merged,
    policy,
    weights: weights.digest,
    metrics,
    curve: await store.putBlob(formatRows(curve)),
  };
}

function trained(digest: Digest, { policy, steps, metrics }: TrainResult): Trained {
  return { digest, policy, values: { steps, ...metrics } };
}
