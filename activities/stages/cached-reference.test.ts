// Cached log-probabilities of a reference model, as later attempts and other trainings find them. The trainer
// here makes numbers up; engine/train/ tests that given and computed ones train to the same bits.
/* oxlint-disable max-lines -- one subject: all cases share one campaign and one trainer */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { Facts } from "../../campaign/types.ts";
import type { ReferenceLogps, Trainer, TrainRequest } from "../../runtimes/types.ts";
import { sha256 } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import type { TrainInput } from "../contract.ts";
import {
  fakeDeps,
  memoryStore,
  OPTIMIZER,
  smallSpec,
  stageContext,
} from "../attempt/stage-context.test.support.ts";
import type { Own } from "../attempt/stage-context.test.support.ts";
import { train } from "./train.ts";

const scratchDir = await mkdtemp(join(tmpdir(), "ratchet-reference-test-"));
after(() => rm(scratchDir, { recursive: true, force: true }));

/** Numbers that a careless writer rounds. */
const LOGPS = [-0.1 - 0.2, -1 / 3, -5e-324, -123456789.12345679];

/** Uses given log-probabilities if they are of its rows; crashes before its first checkpoint if `dies`. */
class ReferringTrainer implements Trainer {
  readonly given: (ReferenceLogps | undefined)[] = [];
  computed = 0;
  dies = false;

  async train(
    { referenceLogps, rowsPath, outDir }: TrainRequest,
    { onReference }: Parameters<Trainer["train"]>[1],
  ) {
    this.given.push(referenceLogps);
    const of = sha256(await readFile(rowsPath));
    if (referenceLogps?.of !== of) {
      this.computed += 1;
      onReference?.({ of, logps: LOGPS });
    }
    if (this.dies) throw new RatchetError("engine_died", "killed by SIGKILL");
    await mkdir(outDir, { recursive: true });
    await writeFile(join(outDir, "model.safetensors"), "weights");
    return {
      steps: 1,
      dropped: {},
      cut: 0,
      merged: 0,
      metrics: { loss: 0.5 },
      curve: [{ step: 1, loss: 0.5 }],
    };
  }
}

const PAIR = { prompt: "p", chosen: "a", rejected: "b" };

interface Change {
  input?: Partial<Own<TrainInput>> & { place?: TrainInput["place"] };
  spec?: Partial<CompiledSpec>;
  rows?: object[];
}

interface Campaign {
  store: Store;
  trainer: ReferringTrainer;
  /** Runs one attempt; resolves with the facts of its manifest. */
  attempt(change?: Change): Promise<Facts>;
  keys(): Promise<string[]>;
}

async function campaign(): Promise<Campaign> {
  const store = await memoryStore();
  const trainer = new ReferringTrainer();
  const deps = fakeDeps({ store, deps: { trainer, scratchDir } });
  const listed = async (prefix: string): Promise<string[]> => {
    const keys: string[] = [];
    for await (const key of store.backend.list(`campaigns/small/${prefix}`)) keys.push(key);
    return keys;
  };
  return {
    store,
    trainer,
    keys: () => listed("work/reference/"),
    async attempt({ input = {}, spec = {}, rows = [PAIR] } = {}) {
      const pairs = await store.putJson({ stage: "pair", pairs: await store.putBlob(formatRows(rows)) });
      const before = await listed("results/");
      await train(
        stageContext<TrainInput>({
          spec: await smallSpec(store, spec),
          deps,
          input: { stage: "train", start: "start", reference: "initial", pairs, ...input },
        }),
      );
      const key = (await listed("results/")).find((made) => !before.includes(made));
      return (
        (await store.readManifest<{ result: object; facts: Facts }>(key ?? ""))?.manifest.facts ??
        assert.fail("nothing new is committed")
      );
    },
  };
}

it("stores them, to the last bit, even if the attempt dies before its first checkpoint", async () => {
  const { trainer, attempt, keys } = await campaign();
  trainer.dies = true;
  await assert.rejects(attempt(), { code: "engine_died" });
  trainer.dies = false;
  assert.equal((await attempt())["reference"], "found");
  assert.deepEqual(
    trainer.given.map((given) => given?.logps),
    [undefined, LOGPS],
  );
  assert.equal((await keys()).length, 1);
});

const baseline: CompiledSpec["baselines"][number] = {
  name: "offline",
  pairs: "preferences",
  count: 4,
  learningRate: 1e-5,
};
const same: [what: string, change: Change][] = [
  [
    "with another learning rate, seed and batch",
    {
      spec: {
        seed: 8,
        train: {
          loss: "sigmoid",
          beta: 0.1,
          reference: "initial",
          optimizer: { ...OPTIMIZER, learningRate: 1e-6, batch: 2 },
        },
      },
    },
  ],
  [
    "with another loss and beta",
    { spec: { train: { loss: "ipo", beta: 0.5, reference: "initial", optimizer: OPTIMIZER } } },
  ],
  ["of another take", { input: { place: { iteration: 1, take: 2 } } }],
  ["of a baseline", { input: { place: { baseline: "offline", take: 1 } }, spec: { baselines: [baseline] } }],
];
for (const [what, change] of same) {
  it(`gives them to a training on the same pairs ${what}`, async () => {
    const { trainer, attempt } = await campaign();
    assert.equal((await attempt())["reference"], "computed");
    assert.equal((await attempt(change))["reference"], "found");
    assert.deepEqual([trainer.computed, trainer.given.at(-1)?.logps], [1, LOGPS]);
  });
}

const trainWith = (change: Partial<CompiledSpec["train"]>): Change => ({
  spec: { train: { loss: "sigmoid", beta: 0.1, reference: "initial", optimizer: OPTIMIZER, ...change } },
});
const others: [what: string, change: Change][] = [
  ["other rows", { rows: [PAIR, { ...PAIR, prompt: "q" }] }],
  ["another reference", { input: { reference: "latest" } }],
  ["another start, whose tokenizer may be another", { input: { start: "other" } }],
  ["another length", trainWith({ optimizer: { ...OPTIMIZER, maxLength: 32 } })],
  ["cut rows", trainWith({ optimizer: { ...OPTIMIZER, truncation: "keep_start" } })],
  ["weighted tokens", trainWith({ ldAlpha: 0.5 })],
  ["mismatched answers", trainWith({ loss: { type: "kto", desirableWeight: 1, undesirableWeight: 1 } })],
];
for (const [what, change] of others) {
  it(`computes them again for a training with ${what}, and stores both`, async () => {
    const { trainer, attempt, keys } = await campaign();
    await attempt();
    assert.equal((await attempt(change))["reference"], "computed");
    assert.deepEqual(trainer.given, [undefined, undefined]);
    assert.equal((await keys()).length, 2);
  });
}

it("computes them again for another take of KTO, whose batches mismatch other answers", async () => {
  const { trainer, attempt } = await campaign();
  const kto = trainWith({ loss: { type: "kto", desirableWeight: 1, undesirableWeight: 1 } });
  trainer.dies = true;
  await assert.rejects(attempt(kto));
  trainer.dies = false;
  assert.equal((await attempt(kto))["reference"], "found");
  assert.equal(
    (await attempt({ ...kto, input: { place: { iteration: 1, take: 2 } } }))["reference"],
    "computed",
  );
});

const tooShort = (bytes: Uint8Array): Uint8Array => bytes.slice(0, 40);
const otherNumber = (bytes: Uint8Array): Uint8Array =>
  Buffer.from(Buffer.from(bytes).toString().replace("-0.3333333333333333", "-0.4333333333333333"));
for (const [what, damage] of [
  ["is cut short", tooShort],
  ["has another number in it", otherNumber],
] as const) {
  it(`replaces a manifest that ${what}, and says so in the facts`, async () => {
    const { store, trainer, attempt, keys } = await campaign();
    await attempt();
    const [key = ""] = await keys();
    const bytes = (await store.backend.get(key)) as Uint8Array;
    await store.backend.put(key, damage(bytes));
    const facts = await attempt({ input: { place: { iteration: 1, take: 2 } } });
    assert.deepEqual([facts["reference"], facts["damagedReference"]], ["computed", "artifact_corrupt"]);
    assert.deepEqual(trainer.given, [undefined, undefined]);
    assert.equal((await attempt({ input: { place: { iteration: 1, take: 3 } } }))["reference"], "found");
  });
}

it("replaces a manifest that the training finds to be of other answers", async () => {
  const { store, trainer, attempt, keys } = await campaign();
  await attempt();
  const [key = ""] = await keys();
  const { manifest } = (await store.readManifest<{ result: object }>(key)) ?? {};
  await store.backend.delete(key);
  await store.commitManifest(key, { ...manifest, result: { ...manifest?.result, of: "others" } });
  assert.equal((await attempt({ input: { place: { iteration: 1, take: 2 } } }))["reference"], "computed");
  assert.equal((await attempt({ input: { place: { iteration: 1, take: 3 } } }))["reference"], "found");
  assert.deepEqual(
    trainer.given.map((given) => given?.of === "others"),
    [false, true, false],
  );
});

it("finishes a training that cannot store them, and says so in the facts", async () => {
  const { store, attempt, keys } = await campaign();
  const { commitManifest } = store;
  store.commitManifest = (key, ...rest) =>
    key.includes("/work/") ? Promise.reject(new Error("no")) : commitManifest(key, ...rest);
  const facts = await attempt();
  assert.deepEqual([facts["reference"], facts["referenceNotKept"]], ["computed", "no"]);
  assert.deepEqual(await keys(), []);
});
