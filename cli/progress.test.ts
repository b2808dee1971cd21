import assert from "node:assert/strict";
import { it } from "node:test";
import type { WatchedStage } from "../client/follow/watch.ts";
import { openDisplay } from "./display.ts";
import { showDuration } from "../report/duration.ts";
import { eventLine } from "../report/event-line.ts";
import { parseDuration } from "./durations.ts";
import { retryingLine, stageLine, waitingLine } from "./progress.ts";

const stage: WatchedStage = {
  place: "it-0003.1",
  stage: "generate",
  shardsDone: 6,
  shardsTotal: 16,
  startedAtMs: 0,
  fraction: 0.41,
  counted: { done: 60, total: 128, unit: "completions", activities: 4 },
  values: {},
  attempt: 1,
  perSecond: 214.3,
  leftMs: 35_000,
};

it("a stage is one line with its share, rate and time left", () => {
  assert.equal(
    stageLine(stage, { bar: false }),
    "it-0003.1 generate  41 %  6/16 shards  214 completions/s  35 s left",
  );
  assert.match(stageLine(stage, { bar: true }), /^it-0003\.1 generate {3} ████████░{12} {3}41 %/);
});

it("a training stage shows its steps, its values and a second attempt with the reason for it", () => {
  const { perSecond: _rate, leftMs: _left, ...rest } = stage;
  const training: WatchedStage = {
    ...rest,
    stage: "train",
    shardsTotal: 1,
    shardsDone: 0,
    counted: { done: 12, total: 30, unit: "steps", activities: 1 },
    values: { loss: 0.69314 },
    attempt: 2,
    lastFailure: "activity Heartbeat timeout",
  };
  assert.equal(
    stageLine(training, { bar: false }),
    "it-0003.1 train  41 %  12/30 steps  loss 0.693  attempt 2 (before: activity Heartbeat timeout)",
  );
});

it("a queue without a worker is named with the waiting time", () => {
  assert.equal(
    waitingLine({ queue: "ratchet-cpu", sinceMs: 0 }, 240_000),
    "waiting 4 min: no worker polls ratchet-cpu",
  );
  assert.equal(
    waitingLine({ queue: "ratchet-cpu", sinceMs: 0, lastPollMs: 10_000 }, 40_000),
    "waiting 40 s: no worker polls ratchet-cpu (last poll 30 s ago)",
  );
});

it("the line of a finished iteration has its metrics", () => {
  const test_ = {
    prompts: 300,
    completions: 1200,
    winRate: { value: 0.6, low: 0.57, high: 0.63 },
    lengthControlled: { value: 0.58, low: 0.54, high: 0.61 },
    judgedBy: "gold" as const,
    proxy: 1.234,
    length: 18.2,
    truncated: 0,
    kl: 0.31,
  };
  const event = {
    type: "iteration-finished",
    iteration: 1,
    take: 1,
    policy: "p",
    stages: {},
    decision: "promoted",
  } as const;
  assert.equal(
    eventLine(event, test_),
    "it-0001.1 finished, promoted: win rate 0.60 [0.57, 0.63] by gold, " +
      "length-controlled 0.58 [0.54, 0.61], proxy 1.23, 18.2 tokens, KL 0.31",
  );
});

it("a terminal redraws the running stages below the log; a pipe gets plain lines", () => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text), columns: 40 };
  const live = openDisplay({ ...stream, isTTY: true }, { color: false });
  live.stages([stage]);
  live.say("iteration 2 finished");
  live.end();
  assert.equal(written[1], `\u001b[1A\u001b[Jiteration 2 finished\n${written[0]}`);
  assert.ok((written[0] ?? "").trimEnd().length < 40);
  written.length = 0;
  const plain = openDisplay(stream, { color: false });
  plain.stages([stage]);
  plain.stages([stage]);
  assert.deepEqual(written, ["it-0003.1 generate  41 %  6/16 shards  214 completions/s  35 s left\n"]);
});

it("durations are printed and parsed with units", () => {
  assert.deepEqual([400, 59_400, 61_000, 3_900_000, 180_000_000].map(showDuration), [
    "0 s",
    "59 s",
    "1 min",
    "1 h 05 min",
    "2 d 2 h",
  ]);
  assert.deepEqual(
    ["90s", "15min", "2h", "1.5 h"].map(parseDuration),
    [90_000, 900_000, 7_200_000, 5_400_000],
  );
  assert.throws(() => parseDuration("soon"), /"soon" is not a duration/);
});

it("the line of a retried activity has the cause and the time of the next attempt", () => {
  const denied = {
    what: "it-0003.1 generate",
    activities: 2,
    attempt: 12,
    code: "store_denied",
    message: "s3://b has no valid credentials: ExpiredToken (renew them)",
    nextAtMs: 30_000,
  };
  assert.equal(
    retryingLine(denied, 10_000),
    "it-0003.1 generate (2 shards)  attempt 12, next in 20 s: " +
      "store_denied: s3://b has no valid credentials: ExpiredToken (renew them)",
  );
});
