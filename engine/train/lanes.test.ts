import assert from "node:assert/strict";
import { it } from "node:test";
import type { TestContext } from "node:test";
import { parametersOf, rotaryTables } from "../model/index.ts";
import { shareNames } from "./graphs.ts";
import { inputsOf } from "./inputs.ts";
import type { Feeds } from "./lane-thread.ts";
import { Lanes } from "./lanes.ts";
import type { LaidRow } from "./layout.ts";
import { ParameterState } from "./parameter-state.ts";
import { rowsFor, shapes, tasks, trainingOf } from "./small-training.test.support.ts";
import { Workshop } from "./workshop.ts";

const config = shapes.odd;
const part: Feeds = {
  ...inputsOf(tasks.sft, config, rowsFor("sft", config, 4) as LaidRow[]),
  [shareNames.rows]: { dtype: "float32", shape: [], data: Float32Array.of(0.5) },
};

function two(t: TestContext): Lanes {
  const workshop = new Workshop();
  t.after(() => workshop.close());
  const state = new ParameterState(parametersOf(config), trainingOf("sft", "odd").start.weights);
  return new Lanes(workshop, state, {}, 2, {
    task: tasks.sft,
    config,
    threads: 1,
    tables: { ...rotaryTables(config, 128) },
  });
}

it("two lanes give the same values for the same micro-batch, and a failure in the other lane is the step's", async (t) => {
  const lanes = two(t);
  const [first, second] = await lanes.run([part, part]);
  assert.deepEqual(second, first);
  const { targets: _, ...incomplete } = part;
  await assert.rejects(lanes.run([part, incomplete]), {
    kind: "invariant",
    code: "graph_failed",
    message: /targets/,
  });
});
