// The checks of chaos on logs that are written by hand: each check has to find its problem.
import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryBackend } from "../../store/backends/memory.ts";
import { lateResumes, redone } from "./check.ts";
import { Events } from "./events.ts";
import type { Committed } from "./outcome.ts";
import type { Attempt, Point } from "./points.ts";
import { ImmutabilityChecker } from "./immutability-checker.ts";

const attemptOf = (attempt: number, stage = "generate"): Attempt => ({
  workflowId: "ratchet:chaos/it-0001.1",
  runId: "run",
  activityId: "1",
  stage,
  attempt,
  type: stage,
  callsModule: false,
});
const begin = (attempt: Attempt): Point => ({ what: "begin", attempt });
const create = (when: "before" | "after", key: string, attempt: Attempt): Point => ({
  what: "store",
  when,
  operation: "create",
  key,
  attempt,
});

function events(...points: Point[]): Events {
  const log = new Events();
  for (const point of points) log.add(point, 1);
  return log;
}

const PIECE = "campaigns/chaos/results/it-0001.1/generate/piece-00000-abc.json";
const [first, second] = [attemptOf(1), attemptOf(2)];

it("a piece may be computed again if its first attempt was cut off before the commit", () => {
  assert.deepEqual(
    redone(
      events(
        begin(first),
        create("before", PIECE, first),
        begin(second),
        create("before", PIECE, second),
        create("after", PIECE, second),
      ),
      [],
    ),
    [],
  );
});

it("an attempt must not compute a piece that was committed before the attempt began", () => {
  const problems = redone(
    events(
      begin(first),
      create("before", PIECE, first),
      create("after", PIECE, first),
      begin(second),
      create("before", PIECE, second),
    ),
    [],
  );
  assert.deepEqual(problems, [`${PIECE} was computed again by attempt 2, which began after its commit`]);
});

it("a power failure may cost the attempt's last piece, but no earlier one", () => {
  const appliedFaults = [{ fault: { kind: "power-loss" } }] as unknown as Parameters<typeof redone>[1];
  const again = [begin(second), create("before", PIECE, second), create("after", PIECE, second)];
  assert.deepEqual(
    redone(
      events(begin(first), create("before", PIECE, first), create("after", PIECE, first), ...again),
      appliedFaults,
    ),
    [],
  );
  assert.equal(
    redone(
      events(
        begin(first),
        create("before", PIECE, first),
        create("after", PIECE, first),
        create("before", "next", first),
        ...again,
      ),
      appliedFaults,
    ).length,
    1,
  );
});

const trained = (resumedFrom: number): Committed[] => [
  {
    key: "k",
    digest: "d",
    result: { stage: "train", place: "it-0001.1", weights: "w" },
    facts: { attempt: 2, resumedFrom },
  } as unknown as Committed,
];
const checkpoint = (step: number): Point =>
  create("after", `campaigns/chaos/work/it-0001.1/train/abc/step-0000000${step}.json`, attemptOf(1, "train"));
const training = events(
  begin(attemptOf(1, "train")),
  checkpoint(2),
  checkpoint(4),
  begin(attemptOf(2, "train")),
  checkpoint(6),
);

it("training must resume from the newest checkpoint that existed when its attempt began", () => {
  assert.deepEqual(lateResumes(trained(4), training, []), []);
  assert.deepEqual(lateResumes(trained(2), training, []), [
    "it-0001.1 train resumed from step 2, but step 4 was committed before",
  ]);
});

it("a power failure may cost the last checkpoint, and no more", () => {
  const appliedFaults = [{ fault: { kind: "power-loss" } }] as unknown as Parameters<typeof lateResumes>[2];
  assert.deepEqual(lateResumes(trained(2), training, appliedFaults), []);
  assert.equal(lateResumes(trained(0), training, appliedFaults).length, 1);
});

it("finds an object whose bytes changed after its commit, at once and at the end", async () => {
  const backend = memoryBackend();
  const put = (key: string, text: string): Promise<void> => backend.put(key, new TextEncoder().encode(text));
  const immutability = new ImmutabilityChecker(backend);
  for (const key of [PIECE, "campaigns/chaos/ledger/000000000000.json", "blobs/sha256/ab/abc"]) {
    await put(key, "one");
    await immutability.record(key);
  }
  assert.deepEqual(await immutability.atTheEnd(), []);
  await put("blobs/sha256/ab/abc", "two");
  assert.deepEqual(await immutability.atTheEnd(), []);
  await put(PIECE, "two");
  await immutability.record(PIECE);
  assert.deepEqual(immutability.problems, [`${PIECE} was overwritten`]);
  await backend.delete("campaigns/chaos/ledger/000000000000.json");
  assert.ok((await immutability.atTheEnd()).includes("campaigns/chaos/ledger/000000000000.json is gone"));
});

it("an object that a power failure deleted may be created again", async () => {
  const backend = memoryBackend();
  const immutability = new ImmutabilityChecker(backend);
  await backend.put(PIECE, new TextEncoder().encode("one"));
  await immutability.record(PIECE);
  await backend.delete(PIECE);
  await immutability.forgetLost();
  await backend.put(PIECE, new TextEncoder().encode("two"));
  await immutability.record(PIECE);
  assert.deepEqual(await immutability.atTheEnd(), []);
});

it("recovery ends at a later attempt's first new commit, not at its begin or at an adopted piece", () => {
  const log = events(
    begin(first),
    create("before", PIECE, first),
    create("after", PIECE, first),
    begin(second),
    create("after", PIECE, second),
    create("after", `${PIECE}2`, second),
  );
  log.list.forEach((event, at) => (event.atMs = at));
  assert.equal(log.newWorkAtMs(first, 3), 5);
  const adopted = events(begin(first), create("after", PIECE, first), begin(second), {
    what: "end",
    attempt: second,
  });
  adopted.list.forEach((event, at) => (event.atMs = at));
  assert.equal(adopted.newWorkAtMs(first, 2), 3);
});
