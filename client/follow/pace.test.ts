import assert from "node:assert/strict";
import { it } from "node:test";
import { Pace } from "./pace.ts";
import type { StageView } from "./observe.ts";

const stage = (fraction: number, more: Partial<StageView> = {}): StageView => ({
  place: "it-0001.1",
  stage: "train",
  shardsDone: 0,
  shardsTotal: 1,
  startedAtMs: 0,
  fraction,
  counted: { done: fraction * 100, total: 100, unit: "steps", activities: 1 },
  values: {},
  attempt: 1,
  ...more,
});

it("rate and time left follow from the share done", () => {
  const pace = new Pace();
  assert.deepEqual(pace.of(stage(0), 0), { fraction: 0 });
  const { perSecond, leftMs } = pace.of(stage(0.2), 4_000);
  assert.equal(perSecond, 5);
  assert.equal(Math.round(leftMs ?? 0), 16_000);
});

it("work adopted at the start is forgotten after half a minute", () => {
  const pace = new Pace();
  pace.of(stage(0), 0);
  pace.of(stage(0.5), 2_000);
  pace.of(stage(0.5), 20_000);
  const { leftMs } = pace.of(stage(0.6), 40_000);
  assert.equal(Math.round((leftMs ?? 0) / 1000), 80);
});

it("a heartbeat that counts from zero again does not turn the clock back", () => {
  const pace = new Pace();
  pace.of(stage(0), 0);
  pace.of(stage(0.5), 5_000);
  const { fraction, perSecond } = pace.of(stage(0.1), 10_000);
  assert.deepEqual({ fraction, perSecond }, { fraction: 0.5, perSecond: 5 });
});

it("nothing is said before two seconds have passed or where nothing moves", () => {
  const pace = new Pace();
  pace.of(stage(0.3), 0);
  assert.deepEqual(pace.of(stage(0.5), 1_000), { fraction: 0.5 });
  assert.deepEqual(new Pace().of(stage(0.3), 9_000), { fraction: 0.3 });
});
