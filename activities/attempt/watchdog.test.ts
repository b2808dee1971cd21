import assert from "node:assert/strict";
import { it } from "node:test";
import { Watchdog } from "./watchdog.ts";

const minutes = (count: number): number => count * 60_000;

it("gives an attempt that has shown nothing yet ten minutes", () => {
  let now = 0;
  const watchdog = new Watchdog(undefined, () => now);
  now = minutes(9);
  assert.equal(watchdog.isStuck(), false);
  now = minutes(10);
  assert.equal(watchdog.isStuck(), true);
});

it("calls one whose units took ten seconds stuck after twenty times that, never before three minutes or after ten, from the last progress on", () => {
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
    assert.equal(watchdog.isStuck(), false, "of what comes next nothing is known");
  }
});

it("counts the silence of work with a limit of its own from that limit on", () => {
  let now = 0;
  const watchdog = new Watchdog(undefined, () => now);
  watchdog.allowSilence(minutes(30));
  now = minutes(39);
  assert.equal(watchdog.isStuck(), false);
  now = minutes(40);
  assert.equal(watchdog.isStuck(), true);
  watchdog.progressed();
  now = minutes(49);
  assert.equal(watchdog.isStuck(), false, "an answer before its limit is progress like any other");
});
