import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { it } from "node:test";
import { threadsEach } from "../runtimes/onnx/index.ts";
import { workerSettings } from "./env.ts";

it("without settings, all children together have as many threads as the machine has cores", () => {
  const { children, threads } = workerSettings({ RATCHET_STORE: "dir:/store" });
  assert.equal(threads, availableParallelism());
  assert.ok(children * threadsEach(threads, children) <= availableParallelism());
});

it("divides threads among the children, at least one each", () => {
  assert.deepEqual(
    [threadsEach(2, 2), threadsEach(1, 2), threadsEach(5, 2), threadsEach(2, 1)],
    [1, 1, 2, 2],
  );
  const { children, threads } = workerSettings({
    RATCHET_STORE: "dir:/store",
    RATCHET_CHILDREN: "3",
    RATCHET_THREADS: "8",
  });
  assert.deepEqual([children, threads], [3, 8]);
  assert.throws(() => workerSettings({ RATCHET_STORE: "dir:/store", RATCHET_THREADS: "0" }), {
    code: "env_invalid",
  });
});
