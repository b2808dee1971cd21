// The faults of a seed, without running them.
import assert from "node:assert/strict";
import { it } from "node:test";
import { IMPOSSIBLE, KIND_NAMES, KINDS, pairName, pairNamed, possiblePairs, STAGES } from "./pairs.ts";
import { momentName, Plan } from "./plan.ts";
import type { Moments } from "./plan.ts";

const plan = (seed = 7): Plan => new Plan({ seed, store: "s3" });
const names = (pairs: Parameters<typeof pairName>[0][]): string[] => pairs.map(pairName).sort();
/** Each moment occurs twice in each stage, except that an append never reads. */
const MOMENTS: Moments = Object.fromEntries(
  STAGES.flatMap((stage) =>
    (["begin", "before-commit", "after-commit", "get", "write"] as const).map((moment) => [
      momentName(stage, moment),
      stage === "append" && moment === "get" ? 0 : 2,
    ]),
  ),
);

it("every pair of a store is possible, or the table gives the reason", () => {
  for (const store of ["dir", "s3"] as const) {
    const kinds = KIND_NAMES.filter((kind) => KINDS[kind].stores.includes(store));
    const impossible = IMPOSSIBLE.flatMap((row) =>
      row.kinds
        .filter((kind) => kinds.includes(kind))
        .flatMap((kind) => row.stages.map((stage) => pairName({ kind, stage }))),
    );
    assert.equal(new Set(impossible).size, impossible.length);
    assert.deepEqual(
      names(possiblePairs(store)),
      kinds
        .flatMap((kind) => STAGES.map((stage) => pairName({ kind, stage })))
        .filter((name) => !impossible.includes(name))
        .sort(),
    );
  }
  for (const { because } of IMPOSSIBLE) assert.match(because, /\w+ \w+/);
});

it("the first round names every possible pair once", () => {
  const own = plan();
  const all = Array.from({ length: own.round }, (_, index) => own.next(index, [])).flat();
  assert.deepEqual(names(all), names(possiblePairs("s3")));
});

it("the same seed gives the same faults, another seed others", () => {
  const faults = (seed: number) =>
    [0, 5, plan().round + 2].map((index) =>
      plan(seed).faults(index, plan(seed).next(index, possiblePairs("s3")), MOMENTS),
    );
  assert.deepEqual(faults(7), faults(7));
  assert.notDeepEqual(faults(7), faults(8));
});

it("after the first round, pairs that have not landed come first", () => {
  const own = plan();
  const unmet = [pairNamed("s3-409:open"), pairNamed("twice:seal")];
  assert.deepEqual(names([...own.next(own.round, unmet)]), names(unmet));
  assert.deepEqual(own.next(own.round - 1, unmet), own.listed(own.round - 1));
  assert.deepEqual(own.next(own.round, []), own.listed(own.round));
});

it("a replay command names the pairs when they differ from the seed's list", () => {
  const own = new Plan({ seed: 7, store: "dir", kinds: ["worker-kill"], stages: ["train", "open"] });
  assert.equal(
    own.replay(0, own.listed(0)),
    "npm run chaos -- --seed 7 --store dir --kinds worker-kill --stages train,open --campaign 0",
  );
  assert.match(own.replay(3, [pairNamed("worker-kill:open")]), / --campaign 3 --pairs worker-kill:open$/);
});

it("a fault never waits for a moment that does not come: an append reads only in a new worker", () => {
  const fault = (name: string, moments: Moments) => plan().faults(0, [pairNamed(name)], moments)[0];
  assert.equal(fault("s3-cut-answer:append", MOMENTS)?.fresh, "worker");
  assert.equal(fault("s3-cut-answer:train", MOMENTS)?.fresh, undefined);
  assert.equal(fault("local-disk-full:score", MOMENTS)?.fresh, "machine");
  for (let index = 0; index < 50; index += 1) {
    const [full] = plan().faults(index, [pairNamed("local-disk-full:answer")], MOMENTS);
    assert.equal(full?.delayMs, 0, "a new machine downloads its models first");
    const [drawn] = plan().faults(index, [pairNamed("s3-500:promote")], {
      [momentName("promote", "before-commit")]: 1,
    });
    assert.deepEqual([drawn?.moment, drawn?.nth], ["before-commit", 1]);
  }
});

it("a campaign asks for labels only if one of its faults needs that, and asks whom the fault needs", () => {
  /** Everybody who is asked in one of 30 campaigns with these faults. */
  const by = (...pairs: string[]): string[] => {
    const drawn = Array.from({ length: 30 }, (_, index) => plan().labelers(index, pairs.map(pairNamed)));
    return [...new Set(drawn)].sort();
  };
  assert.deepEqual(by("worker-kill:train", "twice:pair"), ["nobody"]);
  assert.deepEqual(by("worker-kill:train", "s3-409:give"), ["people"]);
  assert.deepEqual(by("seal-and-label:label"), ["people"]);
  assert.deepEqual(by("module-kill:label", "worker-kill:train"), ["module", "nobody"]);
  assert.deepEqual(by("twice:label"), ["module", "nobody", "people"]);
  assert.deepEqual(by("twice:audit"), ["module", "nobody", "people"]);
});

it("refuses a pair that does not exist", () => {
  assert.throws(() => pairNamed("worker-kill:lunch"), /is not KIND:STAGE/);
  assert.throws(() => new Plan({ seed: 1, store: "s3", kinds: ["power-loss"] }), /no fault of these kinds/);
});
