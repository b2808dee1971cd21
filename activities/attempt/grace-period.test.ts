import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { it } from "node:test";
import { withGracePeriod } from "./grace-period.ts";

const never = new Promise<never>(() => undefined);

it("settles as the work does, and leaves no listener on the signal", async () => {
  const { signal } = new AbortController();
  assert.equal(await withGracePeriod(signal, 0, Promise.resolve("done")), "done");
  await assert.rejects(withGracePeriod(signal, 0, Promise.reject(new Error("failed"))), /failed/);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

it("lets aborted work finish within the grace", async () => {
  const stop = new AbortController();
  const work = new Promise((resolve) =>
    stop.signal.addEventListener("abort", () => setTimeout(() => resolve("saved"), 10)),
  );
  stop.abort(new Error("drained"));
  assert.equal(await withGracePeriod(stop.signal, 60_000, work), "saved");
});

it("rejects with the signal's reason after the grace, if aborted before or during the work", async () => {
  const stop = new AbortController();
  const waiting = withGracePeriod(stop.signal, 1, never);
  stop.abort(new Error("drained"));
  await assert.rejects(waiting, /drained/);
  await assert.rejects(withGracePeriod(stop.signal, 1, never), /drained/);
});
