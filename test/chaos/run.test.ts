// A run of campaigns, each with a scripted result.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { CampaignResult } from "./campaign.ts";
import { Plan } from "./plan.ts";
import { Results } from "./results.ts";
import type { Row } from "./results.ts";
import { runCampaigns } from "./run.ts";
import { summarize } from "./summary.ts";

const plan = new Plan({ seed: 1, store: "dir" });

/** A campaign in which one fault landed. */
const HOLDS: Omit<CampaignResult, "index"> = {
  seed: 1,
  store: "dir",
  problems: [],
  lost: 0,
  doubled: 0,
  digestEqual: true,
  recomputed: { pieces: 0, steps: 0 },
  faults: [{ kind: "twice", stage: "train", met: true, landed: true, seen: {} }],
  seconds: 1,
};

/** Runs until `wanted` faults landed. `change`: how a campaign differs from HOLDS. */
async function play(
  wanted: number,
  change: (index: number) => Partial<CampaignResult>,
  { bail = false } = {},
): Promise<Row[]> {
  const results = new Results(undefined, { digest: "one", commit: null });
  await runCampaigns({
    seed: 1,
    store: "dir",
    plan,
    results,
    wanted,
    everyPair: false,
    bail,
    campaign: async (index) => ({ ...HOLDS, index, ...change(index) }),
    report: () => undefined,
  });
  return results.rows;
}

it("goes on after a campaign that does not hold, and reports the command that runs it again", async () => {
  const rows = await play(4, (index) => (index === 1 ? { problems: ["2 completions lost"] } : {}));
  assert.deepEqual(
    rows.map(({ index }) => index),
    [0, 1, 2, 3],
  );
  const { problems } = summarize(rows);
  assert.deepEqual(
    problems.map(({ campaign, problem, replay }) => [campaign, problem, replay]),
    [[1, "2 completions lost", "npm run chaos -- --seed 1 --store dir --campaign 1"]],
  );
});

it("goes on after a campaign that chaos could not run, and reports it as one that did not hold", async () => {
  const rows = await play(2, (index) => {
    if (index === 0) throw new Error("no port is free");
    return {};
  });
  assert.deepEqual(
    rows.map(({ index }) => index),
    [0, 1, 2],
  );
  assert.match(rows[0]?.problems[0] ?? "", /^chaos could not run the campaign: Error: no port is free/);
  assert.equal(summarize(rows).problems.length, 1);
});

it("gives up when chaos can run no campaign", async () => {
  const rows = await play(2, () => {
    throw new Error("no port is free");
  });
  assert.equal(rows.length, 3);
});

it("stops at the first campaign that does not hold if it is asked to", async () => {
  assert.equal((await play(4, () => ({ problems: ["2 completions lost"] }), { bail: true })).length, 1);
});
