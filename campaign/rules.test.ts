import assert from "node:assert/strict";
import { it } from "node:test";
import { foldLedger, standingOf } from "./rules.ts";
import type { LedgerEvent, LedgerRow } from "./types.ts";

function fold(...events: (LedgerEvent | [epoch: number, event: LedgerEvent])[]) {
  const rows = events.map((entry, n): LedgerRow => {
    const [epoch, event] = Array.isArray(entry) ? entry : [1, entry];
    return {
      schema: "ratchet.ledger/1",
      n,
      epoch,
      id: `e${n}`,
      event,
      previous: null,
      at: "2026-01-01T00:00:00Z",
      by: "test",
    };
  });
  return foldLedger("shop", rows);
}

const created: LedgerEvent = { type: "created", specDigest: "spec", name: "shop" };
const opened: LedgerEvent = { type: "opened", server: "s1", namespace: "default", runId: "r" };
const bootstrap: LedgerEvent = {
  type: "bootstrap-finished",
  bootstrap: { policy: "pi0", opponent: "o" },
  stages: { answer: "v0" },
};
const iteration = (n: number, decision: "promoted" | "kept"): LedgerEvent => ({
  type: "iteration-finished",
  iteration: n,
  take: 1,
  policy: `pi${n}`,
  stages: { answer: `v${n}` },
  decision,
});

it("a new campaign begins with iteration 1 and no policy", () => {
  const record = fold(created, opened);
  assert.equal(record.status, "running");
  assert.deepEqual(record.next, { iteration: 1, take: 1 });
  assert.equal(record.latest, undefined);
});

it("policies promoted earlier are kept, newest first, at most four", () => {
  const { earlier } = fold(created, opened, bootstrap, iteration(1, "promoted"), iteration(2, "promoted"));
  assert.deepEqual(
    earlier.map(({ iteration: n, answers }) => [n, answers]),
    [
      [1, "v1"],
      [0, "v0"],
    ],
  );
  const many = Array.from({ length: 20 }, (_, n) => iteration(n + 1, "promoted"));
  assert.deepEqual(
    fold(created, opened, bootstrap, ...many).earlier.map(({ iteration: n }) => n),
    [19, 18, 17, 16],
  );
  assert.deepEqual(fold(created, opened, bootstrap, iteration(1, "kept")).earlier, []);
});

it("latest is the newest iteration, promoted the last promoted one", () => {
  const record = fold(created, opened, bootstrap, iteration(1, "promoted"), iteration(2, "kept"));
  assert.deepEqual([record.latest?.policy, record.promoted?.policy], ["pi2", "pi1"]);
  assert.equal(record.promoted?.answers, "v1");
  assert.deepEqual(record.next, { iteration: 3, take: 1 });
  assert.deepEqual(
    record.iterations.map(({ iteration, decision }) => [iteration, decision]),
    [
      [0, "promoted"],
      [1, "promoted"],
      [2, "kept"],
    ],
  );
});

it("after the bootstrap π_0 is latest and promoted", () => {
  const record = fold(created, opened, bootstrap);
  assert.equal(record.latest?.policy, "pi0");
  assert.deepEqual(record.promoted, record.latest);
  assert.equal(record.bootstrap?.opponent, "o");
});

it("a takeover raises the epoch and clears the failure; a pause stays", () => {
  const failed = fold(created, opened, { type: "failed", code: "no_pairs", message: "none" });
  assert.deepEqual([failed.status, failed.failure?.code], ["failed", "no_pairs"]);
  const again = fold(created, opened, { type: "failed", code: "no_pairs", message: "none" }, [
    2,
    { ...opened, server: "s2" },
  ]);
  assert.deepEqual([again.status, again.failure, again.epoch, again.server], ["running", undefined, 2, "s2"]);
  const paused = fold(created, opened, { type: "paused", by: "me", why: "lunch" }, [2, opened]);
  assert.equal(paused.status, "paused");
});

it("pause, resume, cancel and reopen change the status only", () => {
  const before = fold(created, opened, bootstrap);
  const by = { by: "me", why: "why" };
  const after = fold(
    created,
    opened,
    bootstrap,
    { type: "paused", ...by },
    { type: "resumed", ...by },
    { type: "cancelled", ...by },
    { type: "reopened", ...by },
  );
  assert.deepEqual({ ...after, rows: before.rows }, before);
  assert.equal(fold(created, opened, { type: "cancelled", ...by }).status, "cancelled");
  assert.equal(
    fold(created, opened, bootstrap, { type: "completed", latest: "pi0", promoted: "pi0" }).status,
    "completed",
  );
});

it("baselines are kept by name, beside the iterations", () => {
  const record = fold(created, opened, bootstrap, {
    type: "baseline-finished",
    name: "offline",
    policy: "b",
    stages: { test: "t" },
  });
  assert.deepEqual(record.baselines, { offline: { policy: "b", stages: { test: "t" } } });
  assert.equal(record.latest?.policy, "pi0");
});

it("a ledger that does not begin with created is refused", () => {
  assert.throws(() => fold(opened), /does not begin with a created row/);
  assert.throws(() => fold(), /shop/);
});

it("a run's state has the same size after a thousand iterations as after one", () => {
  const after = (iterations: number) =>
    standingOf(
      fold(
        created,
        opened,
        bootstrap,
        ...Array.from({ length: iterations }, (_, n) => iteration(n + 1, "kept")),
      ),
    );
  const [one, thousand] = [after(1), after(1000)];
  assert.deepEqual(thousand, {
    ...one,
    next: { iteration: 1001, take: 1 },
    latest: { iteration: 1000, take: 1, policy: "pi1000", answers: "v1000" },
  });
});

it("a pause after an iteration is one when that has finished, or when a rollback ends it", () => {
  const asked = { by: "ada", why: "" };
  const pausing: LedgerEvent = { type: "paused", at: "iteration", after: 2, ...asked };
  const before = [created, opened, bootstrap, iteration(1, "promoted")];
  const standing = ({ status, pausing: until, pausedAt }: ReturnType<typeof fold>) => [
    status,
    until?.after,
    pausedAt,
  ];
  assert.deepEqual(standing(fold(...before, pausing)), ["running", 2, undefined]);
  assert.deepEqual(standing(fold(...before, pausing, opened)), ["running", 2, undefined]);
  const finished = [...before, pausing, iteration(2, "kept")];
  assert.deepEqual(standing(fold(...finished)), ["paused", undefined, undefined]);
  const resumed: LedgerEvent = { type: "resumed", ...asked };
  assert.deepEqual(standing(fold(...before, pausing, resumed, iteration(2, "kept"))), [
    "running",
    undefined,
    undefined,
  ]);
  const { latest, promoted, earlier } = fold(...before);
  const restored = { latest: latest!, promoted: promoted!, earlier, next: { iteration: 2, take: 2 } };
  const back: LedgerEvent = { type: "rolled-back", restored, ...asked };
  assert.deepEqual(standing(fold(...before, pausing, back)), ["paused", undefined, undefined]);
  const shard: LedgerEvent = { type: "paused", at: "shard", ...asked };
  assert.deepEqual(standing(fold(...before, shard)), ["paused", undefined, "shard"]);
  assert.deepEqual(standing(fold(...before, shard, resumed)), ["running", undefined, undefined]);
});
