// Uploads of checkpoints: which one waits during an upload, and which one does not.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { RatchetError } from "../../errors/index.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { TrainInput } from "../contract.ts";
import { fakeDeps, memoryStore, smallSpec, stageContext } from "../attempt/stage-context.test.support.ts";

const root = await mkdtemp(join(tmpdir(), "ratchet-checkpoints-"));
after(() => rm(root, { recursive: true }));
const NOTHING_FAILED = { damagedCheckpoints: undefined, failedCheckpoints: undefined };
const PREFIX = "campaigns/small/work/it-0001.1/train/a/";

/** Checkpoints of a store whose uploads wait for `gate`; `stop` aborts the attempt. */
async function checkpointsBehind(gate: (step: number) => Promise<void>) {
  const real = await memoryStore();
  const stop = new AbortController();
  const store = {
    ...real,
    putTree: async (dir: string) => (await gate(Number(/\d+$/.exec(dir)?.[0])), real.putTree(dir)),
  };
  const context = {
    ...stageContext<TrainInput>({
      spec: await smallSpec(store),
      deps: fakeDeps({ store }),
      input: { stage: "train", start: "s" },
    }),
    signal: stop.signal,
  };
  const checkpoints = new Checkpoints(context, PREFIX);
  const folder = await mkdtemp(join(root, "run-"));
  return {
    checkpoints,
    stop,
    dirOf: (step: number) => join(folder, `step-${step}`),
    async save(step: number) {
      const dir = join(folder, `step-${step}`);
      await mkdir(dir);
      await writeFile(join(dir, "state"), String(step));
      checkpoints.upload({ step, dir });
    },
    async stored() {
      const steps: number[] = [];
      for await (const key of real.backend.list(PREFIX)) steps.push(Number(/(\d+)\.json$/.exec(key)?.[1]));
      return steps;
    },
  };
}

it("keeps only the newest waiting during an upload, and deletes the folders of the others", async () => {
  let open = (): void => undefined;
  const first = new Promise<void>((resolve) => (open = resolve));
  const { checkpoints, save, stored, dirOf } = await checkpointsBehind((step) =>
    step === 1 ? first : Promise.resolve(),
  );
  for (const step of [1, 2, 3]) await save(step);
  open();
  await checkpoints.settled();
  assert.deepEqual(await stored(), [1, 3]);
  assert.deepEqual(
    [1, 2, 3].filter((step) => existsSync(dirOf(step))),
    [],
    "stored checkpoints leave the disk",
  );
  assert.deepEqual(checkpoints.facts(), NOTHING_FAILED);
});

it("uploads the last one of an aborted attempt at once, beside any running upload", async () => {
  const { checkpoints, save, stored, stop } = await checkpointsBehind((step) =>
    step < 3 ? new Promise(() => undefined) : Promise.resolve(),
  );
  await save(1);
  await save(2);
  stop.abort();
  await save(3);
  await checkpoints.settled();
  assert.deepEqual(await stored(), [3]);
});

it("retries an upload during an outage", async () => {
  let tries = 0;
  const { checkpoints, save, stored } = await checkpointsBehind(async () => {
    tries += 1;
    if (tries === 1) throw new RatchetError("store_unreachable", "away");
  });
  await save(1);
  await checkpoints.settled();
  assert.deepEqual(await stored(), [1]);
  assert.deepEqual(checkpoints.facts(), NOTHING_FAILED);
});
