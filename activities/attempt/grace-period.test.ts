import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { it } from "node:test";
import { withGracePeriod } from "./grace-period.ts";

const never = new Promise<never>(() => undefined);

it("ends with the work, whose result or error it hands on, and leaves nobody behind who listens to the signal", async () => {
  const { signal } = new AbortController();
  assert.equal(await withGracePeriod(signal, 0, Promise.resolve("done")), "done");
  await assert.rejects(withGracePeriod(signal, 0, Promise.reject(new Error("failed"))), /failed/);
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

it("lets work that is told to end do so by itself within the grace", async () => {
  const told = new AbortController();
  const work = new Promise((resolve) =>
    told.signal.addEventListener("abort", () => setTimeout(() => resolve("saved"), 10)),
  );
  told.abort(new Error("drained"));
  assert.equal(await withGracePeriod(told.signal, 60_000, work), "saved");
});

it("ends with the signal's reason where the work has not ended within the grace, told before or during it", async () => {
  const told = new AbortController();
  const waiting = withGracePeriod(told.signal, 1, never);
  told.abort(new Error("drained"));
  await assert.rejects(waiting, /drained/);
  await assert.rejects(withGracePeriod(told.signal, 1, never), /drained/);
});
