import assert from "node:assert/strict";
import { it } from "node:test";
import { foldLedger } from "./rules.ts";
import { rollbackTo } from "./rollback.ts";
import type { Decision, LedgerEvent, LedgerRow, Restored } from "./types.ts";

const finished = (iteration: number, take: number, decision: Decision = "promoted"): LedgerEvent => ({
  type: "iteration-finished",
  iteration,
  take,
  policy: `policy ${iteration}.${take}`,
  stages: { answer: `answers ${iteration}.${take}` },
  decision,
});
const START: LedgerEvent[] = [
  { type: "created", specDigest: "s", name: "c" },
  { type: "bootstrap-finished", bootstrap: { policy: "π_0", opponent: "o" }, stages: { answer: "a" } },
];
const rowsOf = (...events: LedgerEvent[]): LedgerRow[] =>
  [...START, ...events].map((event, n) => ({ n, epoch: 1, event }) as LedgerRow);
const back = (restored: Restored | string): LedgerEvent => {
  assert.ok(typeof restored !== "string", String(restored));
  return { type: "rolled-back", restored, by: "op", why: "" };
};
const EVENTS = [finished(1, 1), finished(2, 1, "kept"), finished(3, 1), finished(4, 1)];

it("restores latest and promoted as they were, and goes on with a fresh take", () => {
  const restored = rollbackTo(rowsOf(...EVENTS), { iteration: 2 }) as Restored;
  assert.equal(restored.latest.policy, "policy 2.1");
  assert.equal(restored.promoted.policy, "policy 1.1");
  assert.deepEqual(
    restored.earlier.map(({ iteration }) => iteration),
    [0],
  );
  assert.deepEqual(restored.next, { iteration: 3, take: 2 });
});

it("a ledger with rollbacks counts one take of each iteration; the others are superseded", () => {
  const events: LedgerEvent[] = [...EVENTS];
  events.push(back(rollbackTo(rowsOf(...events), { iteration: 1 })));
  events.push(finished(2, 2), finished(3, 2));
  const { iterations, next, promoted } = foldLedger("c", rowsOf(...events));
  assert.deepEqual(
    iterations.map(({ iteration, take, superseded }) => [`${iteration}.${take}`, superseded ?? false]),
    [
      ["0.1", false],
      ["1.1", false],
      ["2.1", true],
      ["3.1", true],
      ["4.1", true],
      ["2.2", false],
      ["3.2", false],
    ],
  );
  assert.deepEqual(next, { iteration: 4, take: 2 });
  assert.equal(promoted?.policy, "policy 3.2");
  // A second one, past the first: no place ever runs twice.
  const again = rollbackTo(rowsOf(...events), { iteration: 0 }) as Restored;
  assert.deepEqual([again.latest.policy, again.next], ["π_0", { iteration: 1, take: 3 }]);
});

it("names what cannot be restored", () => {
  const events: LedgerEvent[] = [...EVENTS, back(rollbackTo(rowsOf(...EVENTS), { iteration: 2 }))];
  const rows = rowsOf(...events, finished(3, 2));
  assert.match(String(rollbackTo(rows, { iteration: 4 })), /iteration 4 has not finished, or a rollback/);
  assert.match(String(rollbackTo(rows, { iteration: 9 })), /iteration 9 has not finished/);
  assert.match(String(rollbackTo(rows, { iteration: 3, take: 1 })), /take 1 .* does not count: take 2 does/);
  assert.match(String(rollbackTo(rowsOf().slice(0, 1), { iteration: 0 })), /iteration 0 has not finished/);
});
