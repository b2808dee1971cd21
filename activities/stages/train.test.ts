// Training as an activity: which checkpoint it resumes, and its facts. The trainer here only counts steps;
// engine/train/ tests the engine's own resume.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { RatchetError } from "../../errors/index.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { Facts, TrainResult, Tree } from "../../campaign/types.ts";
import type { Trainer, TrainRequest } from "../../runtimes/types.ts";
import type { Store } from "../../store/types.ts";
import type { TrainInput } from "../contract.ts";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import { fakeDeps, memoryStore, smallSpec, stageContext } from "../attempt/stage-context.test.support.ts";
import { train } from "./train.ts";

const scratchDir = await mkdtemp(join(tmpdir(), "ratchet-train-test-"));
after(() => rm(scratchDir, { recursive: true, force: true }));

const STEPS = 14;

/** Adds up its step numbers, saves as often as it is asked, and dies after step `diesAt`. */
class CountingTrainer implements Trainer {
  readonly resumedFrom: number[] = [];
  diesAt = Infinity;

  async train(
    { resumeDir, outDir, checkpointDir, checkpoint }: TrainRequest,
    { onCheckpoint, onProgress }: Parameters<Trainer["train"]>[1],
  ) {
    const saved = resumeDir
      ? (JSON.parse(await readFile(join(resumeDir, "state.json"), "utf8")) as { step: number; sum: number })
      : { step: 0, sum: 0 };
    this.resumedFrom.push(saved.step);
    let { sum } = saved;
    for (let step = saved.step + 1; step <= STEPS; step += 1) {
      sum += step;
      onProgress({ done: step, total: STEPS, unit: "steps" });
      if (step % checkpoint.everySteps === 0)
        onCheckpoint({
          step,
          dir: await folder(join(checkpointDir, String(step)), "state.json", JSON.stringify({ step, sum })),
        });
      if (step === this.diesAt) throw new RatchetError("engine_died", "killed by SIGKILL");
    }
    await folder(outDir, "model.safetensors", String(sum));
    return {
      steps: STEPS,
      dropped: {},
      cut: 0,
      merged: 0,
      metrics: { loss: 0.5 },
      curve: [{ step: 1, loss: 0.5 }],
    };
  }
}

async function folder(dir: string, file: string, text: string): Promise<string> {
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, file), text);
  return dir;
}

interface Run {
  store: Store;
  trainer: CountingTrainer;
  attempt(previous?: Heartbeat): Promise<{ result: TrainResult; facts: Facts }>;
}

async function run(): Promise<Run> {
  const store = await memoryStore();
  const trainer = new CountingTrainer();
  const spec = await smallSpec(store);
  const rows = await store.putBlob(formatRows([{ prompt: "p", chosen: "a", rejected: "b" }]));
  const pairs = await store.putJson({ stage: "pair", pairs: rows });
  const deps = fakeDeps({ store, deps: { trainer, scratchDir } });
  const attempt: Run["attempt"] = async (previous) => {
    const context = stageContext<TrainInput>({
      spec,
      deps,
      input: { stage: "train", start: "start", reference: "initial", pairs },
      previous,
    });
    const { digest } = await train(context);
    for await (const key of store.backend.list("campaigns/small/results/")) {
      const found = await store.readManifest<{ result: TrainResult; facts: Facts }>(key);
      if (found?.digest === digest) return found.manifest;
    }
    return assert.fail("the result is not committed");
  };
  return { store, trainer, attempt };
}

async function checkpoints({ backend }: Store): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of backend.list("campaigns/small/work/")) keys.push(key);
  return keys;
}

const undisturbed = await (await run()).attempt();

it("resumes its newest checkpoint, to the same result, and counts the recomputed steps", async () => {
  const { store, trainer, attempt } = await run();
  trainer.diesAt = 10;
  await assert.rejects(attempt(), { code: "engine_died" });
  assert.deepEqual(
    (await checkpoints(store)).map((key) => key.slice(-18)),
    ["step-00000004.json", "step-00000008.json"],
  );
  trainer.diesAt = Infinity;
  const { result, facts } = await attempt({ step: 10 });
  assert.deepEqual(trainer.resumedFrom, [0, 8]);
  assert.deepEqual(result, undisturbed.result);
  assert.deepEqual(
    [facts["resumedFrom"], facts["computed"], facts["recomputed"], facts["damagedCheckpoints"]],
    [8, 6, 2, undefined],
  );
  assert.deepEqual(await checkpoints(store), []);
});

const damages: [what: string, damage: (store: Store, key: string) => Promise<void>, code: string][] = [
  [
    "whose file has other bytes",
    async (store, key) => store.backend.put(await blobOf(store, key), Buffer.from("not what was saved")),
    "artifact_corrupt",
  ],
  [
    "whose file is gone",
    async (store, key) => store.backend.delete(await blobOf(store, key)),
    "artifact_missing",
  ],
  [
    "whose manifest is cut short",
    async (store, key) => store.backend.put(key, (await store.backend.get(key))!.slice(0, 20)),
    "artifact_corrupt",
  ],
];
for (const [what, damage, code] of damages) {
  it(`skips a newest checkpoint ${what}, and says so in the facts`, async () => {
    const { store, trainer, attempt } = await run();
    trainer.diesAt = 10;
    await assert.rejects(attempt());
    const newest = (await checkpoints(store)).at(-1) as string;
    await damage(store, newest);
    trainer.diesAt = Infinity;
    const { result, facts } = await attempt({ step: 10 });
    assert.deepEqual(trainer.resumedFrom, [0, 4]);
    assert.deepEqual(result, undisturbed.result);
    assert.deepEqual(
      [facts["resumedFrom"], facts["recomputed"], facts["damagedCheckpoints"]],
      [4, 6, [`${newest}: ${code}`]],
    );
  });
}

it("begins at the start if every checkpoint is damaged", async () => {
  const { store, trainer, attempt } = await run();
  trainer.diesAt = 10;
  await assert.rejects(attempt());
  for (const key of await checkpoints(store)) await store.backend.delete(await blobOf(store, key));
  trainer.diesAt = Infinity;
  const { result, facts } = await attempt({ step: 10 });
  assert.deepEqual(trainer.resumedFrom, [0, 0]);
  assert.deepEqual(result, undisturbed.result);
  assert.equal((facts["damagedCheckpoints"] as string[]).length, 2);
});

/** Key of the blob of a checkpoint's only file. */
async function blobOf(store: Store, key: string): Promise<string> {
  const found = await store.readManifest<{ result: { tree: string } }>(key);
  const { files } = await store.getJson<Tree>(found!.manifest.result.tree);
  const { digest } = files[0]!;
  return `blobs/sha256/${digest.slice(0, 2)}/${digest}`;
}
