import assert from "node:assert/strict";
import { it } from "node:test";
import { Watchdog } from "./watchdog.ts";

const minutes = (count: number): number => count * 60_000;

it("gives an attempt ten minutes before its first unit", () => {
  let now = 0;
  const watchdog = new Watchdog(undefined, () => now);
  now = minutes(9);
  assert.equal(watchdog.isStuck(), false);
  now = minutes(10);
  assert.equal(watchdog.isStuck(), true);
});

it("allows twenty times the longest unit since the last progress, within three and ten minutes", () => {
  for (const [unitMs, limitMs] of [
    [1_000, minutes(3)],
    [10_000, 200_000],
    [minutes(5), minutes(10)],
  ] as const) {
    let now = 0;
    const watchdog = new Watchdog(undefined, () => now);
    for (let unit = 0; unit < 3; unit += 1) watchdog.unitDone(unitMs);
    now = 5_000;
    watchdog.progressed();
    now = 5_000 + limitMs - 1;
    assert.equal(watchdog.isStuck(), false);
    now += 1;
    assert.equal(watchdog.isStuck(), true);
    watchdog.reset();
    now += minutes(9);
    assert.equal(watchdog.isStuck(), false, "after a reset no unit is measured");
  }
});

it("counts silence from the end of the work's own limit", () => {
  let now = 0;
  const watchdog = new Watchdog(undefined, () => now);
  watchdog.allowSilence(minutes(30));
  now = minutes(39);
  assert.equal(watchdog.isStuck(), false);
  now = minutes(40);
  assert.equal(watchdog.isStuck(), true);
  watchdog.progressed();
  now = minutes(49);
  assert.equal(watchdog.isStuck(), false, "progress before that limit counts as usual");
});
