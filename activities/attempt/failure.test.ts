import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { it } from "node:test";
import { CancelledFailure } from "@temporalio/common";
import type { ApplicationFailure } from "@temporalio/common";
import { RatchetError } from "../../errors/index.ts";
import { isCounted, toFailure } from "./failure.ts";

const failure = (error: unknown, failuresWithoutProgress = 1): ApplicationFailure =>
  toFailure(error, failuresWithoutProgress) as ApplicationFailure;

it("ends at once by an author's failure, a damaged artifact or a lost lease, with its code as type", () => {
  for (const error of [
    new RatchetError("no_pairs", "none"),
    new RatchetError("artifact_corrupt", "blob"),
    new RatchetError("lease_lost", "epoch 2"),
  ]) {
    const { type, nonRetryable, cause } = failure(error);
    assert.equal(type, error.code);
    assert.equal(nonRetryable, true);
    assert.equal(cause?.message, error.message, "the cause is kept");
  }
});

it("retries outages and failures of a wrong worker without limit", () => {
  for (const code of [
    "store_unreachable",
    "store_denied",
    "bucket_missing",
    "disk_full",
    "store_differs",
    "region_wrong",
    "module_env_missing",
    "worker_draining",
  ] as const) {
    const error = new RatchetError(code, "away");
    assert.equal(failure(error, 10_000).nonRetryable, false, code);
    assert.equal(isCounted(error), false, `${code} does not count`);
  }
  assert.equal(failure(new RatchetError("worker_draining", "stopping")).nextRetryDelay, "1ms");
});

it("retries a failure of the attempt itself until 20 in a row made no progress", () => {
  for (const error of [
    ...(["engine_died", "out_of_memory", "stuck", "blob_vanished", "store_unsupported"] as const).map(
      (code) => new RatchetError(code, "once"),
    ),
    busyJudge(),
  ]) {
    assert.equal(isCounted(error), true, error.message);
    assert.equal(failure(error, 19).nonRetryable, false);
    assert.equal(failure(error, 20).nonRetryable, true, "twenty in a row fail the campaign");
  }
  assert.equal(failure(new RatchetError("piece_poisoned", "three deaths")).nonRetryable, true);
});

const busyJudge = (): Error =>
  Object.assign(new Error("429"), { kind: "scoring", code: "module_threw", retryable: true });

it("leaves a cancellation as it is, and retries a bug four times", () => {
  const cancelled = new CancelledFailure("cancelled");
  assert.equal(toFailure(cancelled, 1), cancelled);
  assert.equal(isCounted(cancelled), false);
  assert.equal(failure(new TypeError("bug"), 1).nonRetryable, false);
  assert.equal(failure(new TypeError("bug"), 5).nonRetryable, true);
});

it(
  "gives a full disk its code, and retries it without limit",
  { skip: !existsSync("/dev/full") && "needs /dev/full" },
  async () => {
    const full: unknown = await writeFile("/dev/full", "x").catch((error: unknown) => error);
    for (const error of [
      full,
      new Error("the checkpoint was not written", { cause: full }),
      Object.assign(new Error("EDQUOT: quota"), { code: "EDQUOT" }),
    ]) {
      const { type, nonRetryable, cause, message } = failure(error);
      assert.deepEqual([type, nonRetryable], ["disk_full", false]);
      assert.match(message, /no space left on .*free some space/);
      assert.equal(
        cause?.cause instanceof Error && cause.cause.message,
        (error as Error).message,
        "the cause is kept",
      );
    }
  },
);

it("keeps a failure below the server's limit, however large an SDK's error is", () => {
  const sdk = (depth: number): Error =>
    Object.assign(new Error("x".repeat(5_000), depth > 0 ? { cause: sdk(depth - 1) } : {}), {
      stack: "at y\n".repeat(2_000),
    });
  const { type, message, cause, stack } = failure(
    new RatchetError("store_denied", "no valid credentials", { hint: "renew them", cause: sdk(9) }),
  );
  assert.deepEqual([type, message], ["store_denied", "no valid credentials (renew them)"]);
  let size = message.length + (stack?.length ?? 0);
  for (let at: unknown = cause; at instanceof Error; at = at.cause)
    size += at.message.length + (at.stack?.length ?? 0);
  assert.ok(size < 3_500, `${size} characters`);
});
