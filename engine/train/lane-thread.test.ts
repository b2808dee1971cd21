import assert from "node:assert/strict";
import { it } from "node:test";
import type { ModelConfig } from "../model/index.ts";
import { LaneThread } from "./lane-thread.ts";
import { tasks } from "./small-training.test.support.ts";

it("a thread that ends is an error with its cause, for what was asked and for what is asked of it later", async () => {
  const thread = new LaneThread();
  const settings = { task: tasks.sft, config: undefined as unknown as ModelConfig, threads: 1, tables: {} };
  const ended = {
    kind: "invariant",
    code: "graph_failed",
    message: /a thread of the training ended by itself: TypeError/,
  };
  await assert.rejects(thread.ask("begin", settings), ended);
  await assert.rejects(thread.ask("tidy", undefined), ended);
  await thread.close();
});
