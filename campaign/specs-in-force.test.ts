import assert from "node:assert/strict";
import { it } from "node:test";
import { foldLedger } from "./rules.ts";
import { amendmentsFrom, specAt } from "./specs-in-force.ts";
import type { LedgerEvent, LedgerRow, SpecInForce } from "./types.ts";

const SPECS: SpecInForce[] = [
  { specDigest: "first" },
  { specDigest: "second", holdsFrom: { iteration: 3, take: 1 } },
  { specDigest: "third", holdsFrom: { iteration: 5, take: 1 } },
];
const at = (iteration: number, take = 1): string => specAt(SPECS, { iteration, take }).specDigest;

it("an amendment holds from its place on; bootstrap and baselines keep the first spec", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 9].map((iteration) => at(iteration)),
    ["first", "first", "second", "second", "third", "third"],
  );
  assert.equal(at(0), "first");
  assert.equal(specAt(SPECS, { baseline: "offline", take: 1 }).specDigest, "first");
});

it("a rollback across amendments keeps the newest spec", () => {
  assert.deepEqual([at(1, 2), at(3, 2)], ["third", "third"]);
  assert.equal(at(2, 1), "first", "the superseded iteration still had the spec of its time");
});

it("a run needs the spec of its next place and the newest one", () => {
  const needed = (iteration: number, take = 1): string[] =>
    amendmentsFrom(SPECS, { iteration, take }).map(({ specDigest }) => specDigest);
  assert.deepEqual(
    [needed(1), needed(3), needed(5), needed(2, 2)],
    [["third"], ["second", "third"], ["third"], ["third"]],
  );
  assert.deepEqual(amendmentsFrom(SPECS.slice(0, 1), { iteration: 1, take: 1 }), []);
});

it("the fold lists all specs, and a completed campaign that is amended is open for any server", () => {
  const events: LedgerEvent[] = [
    { type: "created", specDigest: "first", name: "c" },
    { type: "opened", server: "here", namespace: "default", runId: "r" },
    { type: "completed", latest: "p", promoted: "p" },
  ];
  const amended: LedgerEvent = {
    type: "amended",
    specDigest: "second",
    holdsFrom: { iteration: 3, take: 1 },
    changes: [],
    by: "ada",
    why: "",
  };
  const rowsOf = (list: LedgerEvent[]): LedgerRow[] =>
    list.map((event, n) => ({ n, epoch: 1, event }) as LedgerRow);
  const { status, server, specDigest, specs } = foldLedger("c", rowsOf([...events, amended]));
  assert.deepEqual([status, server, specDigest], ["running", undefined, "second"]);
  assert.deepEqual(specs, SPECS.slice(0, 2));
  const running = foldLedger("c", rowsOf([...events.slice(0, 2), amended]));
  assert.deepEqual([running.status, running.server], ["running", "here"]);
});
