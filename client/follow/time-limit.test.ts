import assert from "node:assert/strict";
import { it } from "node:test";
import { timeLimit } from "./time-limit.ts";

const day = 86_400_000;

it("aborts when its time is over, also after more days than a timer can count", (test) => {
  test.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const signal = timeLimit(40 * day);
  for (let days = 0; days < 40; days += 1) {
    assert.equal(signal.aborted, false, `after ${days} days`);
    test.mock.timers.tick(day);
  }
  assert.equal(signal.aborted, true);
  assert.equal((signal.reason as Error).name, "TimeoutError");
});

it("of no time aborts at once", () => {
  assert.equal(timeLimit(0).aborted, true);
});
