// When a fault is applied and when it counts as landed, without a campaign.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { ChaosEnvironment } from "./environment.ts";
import { Events } from "./events.ts";
import { FAULTS } from "./faults.ts";
import type { Fault } from "./plan.ts";
import type { Attempt, Point } from "./points.ts";
import { Scheduler } from "./scheduler.ts";
import { ASKING_PLACE, BOOTSTRAP_PLACE } from "./tiny-shop.ts";
import type { Labelers } from "./tiny-shop.ts";

const attempt = (stage: string, activityId: string, tries = 1): Attempt => ({
  workflowId: "w",
  runId: "r",
  activityId,
  stage,
  attempt: tries,
  type: stage,
  callsModule: false,
});
const begin = (of: Attempt): Point => ({ what: "begin", attempt: of });
const fault = (change: Partial<Fault>): Fault => ({
  kind: "twice",
  stage: "answer",
  moment: "begin",
  nth: 1,
  delayMs: 0,
  size: 1,
  coin: false,
  ...change,
});

it("a fault for a new machine does not hit an attempt of the machine that is being lost", async () => {
  const lost: number[] = [];
  const scheduler = new Scheduler(
    { loseMachine: async (pid: number) => void lost.push(pid) } as unknown as ChaosEnvironment,
    [fault({ fresh: "machine" })],
  );
  await scheduler.point(begin(attempt("answer", "1")), 10);
  await scheduler.point(begin(attempt("answer", "2")), 10);
  assert.deepEqual([lost, scheduler.appliedFaults.length], [[10], 0]);
  assert.deepEqual(await scheduler.point(begin(attempt("answer", "1", 2)), 11), { type: "twice" });
  assert.equal(scheduler.appliedFaults[0]?.pid, 11);
  for (let ends = 0; ends < 2; ends += 1)
    await scheduler.point({ what: "end", attempt: attempt("answer", "1", 2) }, 11);
  await scheduler.settled();
  assert.equal(scheduler.landed().length, 1);
});

it("a full disk at another stage's write does not count for this stage", () => {
  const failing = (stage: string): boolean => {
    const events = new Events();
    const mine = attempt("answer", "1");
    events.add(begin(mine), 10);
    events.add({ what: "end", attempt: attempt(stage, "1"), failure: "disk_full" }, 10);
    events.add({ what: "end", attempt: attempt("answer", "1", 2) }, 10);
    const seen = { refused: { path: "cache/tree", pid: 10 } };
    return FAULTS["local-disk-full"].landed(events, {
      fault: fault({ kind: "local-disk-full" }),
      attempt: mine,
      pid: 10,
      at: 0,
      seen,
      isOpen: () => false,
    });
  };
  assert.deepEqual([failing("answer"), failing("train")], [true, false]);
});

it("a fault in label hits the iteration's questionnaire, or else the bootstrap's", async () => {
  const hit = async (labelers: Labelers): Promise<string[]> => {
    const scheduler = new Scheduler({ labelers } as unknown as ChaosEnvironment, [fault({ stage: "label" })]);
    for (const place of [BOOTSTRAP_PLACE, ASKING_PLACE])
      await scheduler.point(begin({ ...attempt("label", "1"), workflowId: `ratchet:chaos/${place}` }), 10);
    return scheduler.appliedFaults.map((applied) => applied.attempt.workflowId.split("/")[1] ?? "");
  };
  assert.deepEqual(await hit("nobody"), [BOOTSTRAP_PLACE]);
  assert.deepEqual(await hit("module"), [ASKING_PLACE]);
  assert.deepEqual(await hit("people"), [ASKING_PLACE]);
});
