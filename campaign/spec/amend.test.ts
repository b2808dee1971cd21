import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryStore, smallSpec } from "../../activities/attempt/stage-context.test.support.ts";
import type { Store } from "../../store/types.ts";
import { formatRows } from "../recipe/rows.ts";
import { amendedSpec, isExtension, requireAmendment } from "./amend.ts";
import type { CompiledSpec } from "./compiled.ts";

interface Small {
  store: Store;
  spec: CompiledSpec;
  amend: (asked: CompiledSpec, iteration?: number) => ReturnType<typeof requireAmendment>;
}

async function small(change: Partial<CompiledSpec> = {}): Promise<Small> {
  const store = await memoryStore();
  // As it is read from the store: without undefined members.
  const spec = JSON.parse(JSON.stringify(await smallSpec(store, change))) as CompiledSpec;
  const amend = (asked: CompiledSpec, iteration = 1): ReturnType<typeof requireAmendment> =>
    requireAmendment(spec, asked, {
      campaignId: "small",
      holdsFrom: { iteration, take: 1 },
      rowsOf: (digest) => store.getBlob(digest),
    });
  return { store, spec, amend };
}

it("changes what only later iterations depend on, and says each difference", async () => {
  const { spec, amend } = await small();
  const { train, promote, queues } = spec;
  const { changes } = await amend({
    ...spec,
    iterations: 3,
    train: { ...train, beta: 0.2, optimizer: { ...train.optimizer, learningRate: 0.5 } },
    promote: { ...promote, threshold: 0.6, confidence: 0.9 },
    queues: { ...queues, train: "gpu" },
  });
  assert.deepEqual(
    changes.map(({ path, to }) => [path, to]),
    [
      ["iterations", 3],
      ["train.beta", 0.2],
      ["train.optimizer.learningRate", 0.5],
      ["promote.threshold", 0.6],
      ["promote.confidence", 0.9],
      ["queues.train", "gpu"],
    ],
  );
  assert.ok(!("from" in changes[4]!), "the spec had no confidence");
});

it("refuses what the bootstrap, a finished iteration or a measurement depends on, by name", async () => {
  const { spec, amend } = await small();
  const { train, prompts, generate, evaluate, pair } = spec;
  const forbidden: [path: string, asked: Partial<CompiledSpec>][] = [
    ["seed", { seed: 8 }],
    ["policy.tree", { policy: { tree: "other" } }],
    ["prompts.perIteration", { prompts: { ...prompts, perIteration: 1 } }],
    ["prompts.test.rows", { prompts: { ...prompts, test: prompts.validation } }],
    ["generate.maxTokens", { generate: { ...generate, maxTokens: 9 } }],
    ["pieces.prompts", { pieces: { ...spec.pieces, prompts: 1 } }],
    ["pair.dropTruncated", { pair: { ...pair, dropTruncated: true } }],
    ["train.loss", { train: { ...train, loss: "ipo" } }],
    ["train.reference", { train: { ...train, reference: "previous" } }],
    ["evaluate.samples", { evaluate: { ...evaluate, samples: 1 } }],
    ["modules.judge", { modules: { judge: { digest: "d", timeoutMs: 1, env: {} } } }],
    ["score.by", { score: { by: "none" } }],
  ];
  for (const [path, asked] of forbidden)
    await assert.rejects(
      amend({ ...spec, ...asked }),
      (error: Error & { code: string; hint: string; problems: { path: string }[] }) => {
        assert.equal(error.code, "amend_forbidden");
        assert.deepEqual(
          error.problems.map((problem) => problem.path),
          [path],
        );
        assert.match(error.message, new RegExp(`small cannot be amended so: ${path}: `));
        assert.match(error.hint, /what may change: iterations, more prompts, generate.samples/);
        return true;
      },
    );
});

it("refuses an amendment that changes nothing, and fewer iterations than have begun", async () => {
  const { spec, amend } = await small();
  await assert.rejects(amend(spec), { code: "amend_empty" });
  await assert.rejects(amend({ ...spec, iterations: 1 }, 3), {
    code: "amend_forbidden",
    message: /iterations is 1, but iteration 2 has begun/,
  });
  assert.deepEqual((await amend({ ...spec, iterations: 1 }, 2)).changes, [
    { path: "iterations", from: 2, to: 1 },
  ]);
});

it("takes more prompts only after those of the first iterations", async () => {
  const { store, spec, amend } = await small();
  const { prompts } = spec;
  const rows = Buffer.from(await store.getBlob(prompts.iterations.rows)).toString();
  const more = formatRows([{ id: "o5", prompt: "o5?" }]) + formatRows([{ id: "o6", prompt: "o6?" }]);
  const withRows = async (text: string): Promise<CompiledSpec> => ({
    ...spec,
    iterations: 3,
    prompts: { ...prompts, iterations: { rows: await store.putBlob(text), count: 6 } },
  });
  const { changes } = await amend(await withRows(rows + more));
  assert.ok(isExtension(changes));
  await assert.rejects(amend(await withRows(more + rows)), {
    code: "amend_forbidden",
    message: /the prompts of the first iterations are others/,
  });
});

it("baselines stay; one that follows the campaign's settings in the file is no difference", async () => {
  const baselines = [{ name: "off", pairs: "labels" as const, count: 20, learningRate: 0.25 }];
  const { spec } = await small({ baselines, pair: { ...(await small()).spec.pair, limit: 10 } });
  const optimizer = { ...spec.train.optimizer, learningRate: 0.5 };
  const asked = { ...spec, iterations: 3, train: { ...spec.train, optimizer } };
  const following = [{ ...baselines[0]!, count: 30, learningRate: 0.5 }];
  const amended = amendedSpec(spec, { ...asked, baselines: following });
  assert.deepEqual(amended.spec.baselines, baselines);
  assert.deepEqual(amended.forbidden, []);
  const own = amendedSpec(spec, { ...asked, baselines: [{ ...baselines[0]!, count: 21 }] });
  assert.deepEqual(own.forbidden, [{ path: "baselines[0].count", before: 20, after: 21 }]);
});
