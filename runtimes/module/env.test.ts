import assert from "node:assert/strict";
import { it } from "node:test";
import { resolveEnv } from "./env.ts";

it("env:NAME becomes the value of NAME, and no other variable is passed on", () => {
  assert.deepEqual(resolveEnv("judge", { KEY: "env:JUDGE_KEY" }, { JUDGE_KEY: "k", OTHER: "o" }), {
    KEY: "k",
  });
});

it("a missing variable is an error that names it and the module", () => {
  assert.throws(() => resolveEnv("judge", { KEY: "env:JUDGE_KEY" }, {}), {
    kind: "resource",
    code: "module_env_missing",
    message: /judge module needs JUDGE_KEY/,
  });
});
