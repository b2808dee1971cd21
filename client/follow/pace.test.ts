import assert from "node:assert/strict";
import { it } from "node:test";
import { Pace } from "./pace.ts";
import type { Rate } from "./pace.ts";
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

const known = ({ fraction, perSecond, leftMs }: Rate): unknown => ({ fraction, perSecond, leftMs });
const NO_PACE = { perSecond: undefined, leftMs: undefined };

it("computes rate and time left from the share done", () => {
  const pace = new Pace();
  assert.deepEqual(known(pace.of(stage(0), 0)), { fraction: 0, ...NO_PACE });
  const { perSecond, leftMs } = pace.of(stage(0.2), 4_000);
  assert.equal(perSecond, 5);
  assert.equal(Math.round(leftMs ?? 0), 16_000);
});

it("leaves work adopted at the start out after 30 s", () => {
  const pace = new Pace();
  pace.of(stage(0), 0);
  pace.of(stage(0.5), 2_000);
  pace.of(stage(0.5), 20_000);
  const { leftMs } = pace.of(stage(0.6), 40_000);
  assert.equal(Math.round((leftMs ?? 0) / 1000), 80);
});

it("keeps the largest share when a heartbeat counts from zero again", () => {
  const pace = new Pace();
  pace.of(stage(0), 0);
  pace.of(stage(0.5), 5_000);
  const { fraction, perSecond } = pace.of(stage(0.1), 10_000);
  assert.deepEqual({ fraction, perSecond }, { fraction: 0.5, perSecond: 5 });
});

it("gives no rate within the first 2 s, nor without progress", () => {
  const pace = new Pace();
  pace.of(stage(0.3), 0);
  assert.deepEqual(known(pace.of(stage(0.5), 1_000)), { fraction: 0.5, ...NO_PACE });
  assert.deepEqual(known(new Pace().of(stage(0.3), 9_000)), { fraction: 0.3, ...NO_PACE });
});
