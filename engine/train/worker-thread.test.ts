import assert from "node:assert/strict";
import { it } from "node:test";
import type { ModelConfig } from "../model/index.ts";
import { WorkerThread } from "./worker-thread.ts";
import { tasks } from "./small-training.test.support.ts";

it("a thread that ends fails the pending request and all later ones, with the cause", async () => {
  const thread = new WorkerThread();
  const settings = { task: tasks.sft, config: undefined as unknown as ModelConfig, threads: 1, tables: {} };
  const ended = {
    kind: "invariant",
    code: "graph_failed",
    message: /a training thread ended unexpectedly: TypeError/,
  };
  await assert.rejects(thread.ask("begin", settings), ended);
  await assert.rejects(thread.ask("closeUnused", undefined), ended);
  await thread.close();
});
