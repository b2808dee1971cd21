import assert from "node:assert/strict";
import { it } from "node:test";
import type { TestContext } from "node:test";
import { parametersOf, rotaryTables } from "../model/index.ts";
import type { BatchRow } from "./batches.ts";
import { DataParallel } from "./data-parallel.ts";
import { inputsOf } from "./graph-inputs.ts";
import { shareNames } from "./graphs.ts";
import { SessionPool } from "./session-pool.ts";
import { rowsFor, shapes, tasks, trainingOf } from "./small-training.test.support.ts";
import { ParameterState } from "./trainable-parameters.ts";
import type { Feeds } from "./worker-thread.ts";

const config = shapes.odd;
const part: Feeds = {
  ...inputsOf(tasks.sft, config, rowsFor("sft", config, 4) as BatchRow[]),
  [shareNames.rows]: { dtype: "float32", shape: [], data: Float32Array.of(0.5) },
};

function twoWorkers(t: TestContext): DataParallel {
  const pool = new SessionPool();
  t.after(() => pool.close());
  const state = new ParameterState(parametersOf(config), trainingOf("sft", "odd").start.weights);
  return new DataParallel(pool, state, {}, 2, {
    task: tasks.sft,
    config,
    threads: 1,
    tables: { ...rotaryTables(config, 128) },
  });
}

it("two workers give the same values for one micro-batch, and a failure fails the step", async (t) => {
  const workers = twoWorkers(t);
  const [first, second] = await workers.run([part, part]);
  assert.deepEqual(second, first);
  const { targets: _, ...incomplete } = part;
  await assert.rejects(workers.run([part, incomplete]), {
    kind: "invariant",
    code: "graph_failed",
    message: /targets/,
  });
});
