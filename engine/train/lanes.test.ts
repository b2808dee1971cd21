import assert from "node:assert/strict";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { Session } from "../graph/session.ts";
import { parametersOf, rotaryTables } from "../model/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { GradientPass } from "./gradient-pass.ts";
import { gradientGraph, shareNames } from "./graphs.ts";
import { inputsOf } from "./inputs.ts";
import { Lanes } from "./lanes.ts";
import type { Feeds } from "./lanes.ts";
import type { LaidRow } from "./layout.ts";
import { ParameterState } from "./parameter-state.ts";
import { rowsFor, shapes, tasks, trainingOf } from "./small-training.test.support.ts";

const config = shapes.odd;
const part: Feeds = { ...inputsOf(tasks.sft, config, rowsFor("sft", config, 4) as LaidRow[]), [shareNames.rows]: { dtype: "float32", shape: [], data: Float32Array.of(0.5) } };

/** Two lanes, of which the second is given this configuration. */
function two(t: TestContext, ofLane: ModelConfig): Lanes {
  const { layout, arrays } = new ParameterState(parametersOf(config), trainingOf("sft", "odd").start.weights);
  const own = new GradientPass((adding) => Session.create(gradientGraph(tasks.sft, config, { adding, threads: "one" }), { threads: 1 }), layout);
  const lanes = new Lanes(own, arrays, {}, 2, { task: tasks.sft, config: ofLane, threads: 1, tables: { ...rotaryTables(config, 128) } });
  t.after(() => lanes.close());
  return lanes;
}

test("a failure in another lane is the step's, and the lane goes on", async (t) => {
  const lanes = two(t, config);
  const { targets: _, ...incomplete } = part;
  await assert.rejects(lanes.run([part, incomplete]), { kind: "invariant", code: "graph_failed", message: /targets/ });
  const [first, second] = await lanes.run([part, part]);
  assert.deepEqual(second, first);
});

test("a lane whose thread ends is an error with its cause", async (t) => {
  const none = undefined as unknown as ModelConfig;
  await assert.rejects(two(t, none).run([part, part]), { kind: "invariant", code: "graph_failed", message: /a thread of the training ended by itself: TypeError/ });
});
