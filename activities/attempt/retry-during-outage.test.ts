import assert from "node:assert/strict";
import { it } from "node:test";
import { RatchetError } from "../../errors/index.ts";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import { retryDuringOutage } from "./retry-during-outage.ts";

const attempt = (signal = new AbortController().signal) => ({
  heartbeat: {} as Heartbeat,
  signal,
  resetWatchdog: () => undefined,
});

it("retries a commit through an outage, and reports the outage in the heartbeat", async () => {
  const context = attempt();
  let tries = 0;
  const reported: (Heartbeat["waitsFor"] | undefined)[] = [];
  const done = await retryDuringOutage(context, async () => {
    reported.push(context.heartbeat.waitsFor && { ...context.heartbeat.waitsFor });
    tries += 1;
    if (tries === 1) throw new RatchetError("store_denied", "expired", { hint: "renew them" });
    return "committed";
  });
  assert.equal(done, "committed");
  assert.deepEqual(reported, [undefined, { code: "store_denied", message: "expired (renew them)" }]);
  assert.equal(context.heartbeat.waitsFor, undefined);
});

it("throws every other failure, and stops when the attempt is aborted", async () => {
  await assert.rejects(
    retryDuringOutage(attempt(), () => Promise.reject(new RatchetError("artifact_missing", "gone"))),
    { code: "artifact_missing" },
  );
  const stop = new AbortController();
  const waiting = retryDuringOutage(attempt(stop.signal), () =>
    Promise.reject(new RatchetError("store_unreachable", "away")),
  );
  setTimeout(() => stop.abort(), 20);
  await assert.rejects(waiting, { name: "AbortError" });
});
