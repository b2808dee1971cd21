// The sum over campaigns, and the file from which a run resumes.
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import type { CampaignResult } from "./campaign.ts";
import { possiblePairs } from "./pairs.ts";
import { Results } from "./results.ts";
import { summarize, table } from "./summary.ts";

const folder = mkdtempSync(join(tmpdir(), "ratchet-chaos-results-"));
after(() => rmSync(folder, { recursive: true }));

const CODE = { digest: "one", commit: "0123456789ab" };
const campaign = (index: number, more: Partial<CampaignResult> = {}): CampaignResult => ({
  seed: 1,
  store: "dir",
  index,
  problems: [],
  lost: 0,
  doubled: 0,
  digestEqual: true,
  recomputed: { pieces: 1, steps: 2 },
  faults: [
    { kind: "worker-kill", stage: "train", met: true, landed: true, seen: { recoverySeconds: index } },
    { kind: "twice", stage: "seal", met: true, landed: false, seen: {} },
  ],
  seconds: 1,
  ...more,
});

it("counts only landed faults and names the pairs that have not landed", () => {
  const results = new Results(undefined, CODE);
  for (const index of [1, 2, 3, 4]) results.add(campaign(index), "all", "again");
  const { faults, pairs, recoverySeconds, recomputed, commits } = summarize(results.rows);
  assert.deepEqual(faults, { total: 4, byKind: { "worker-kill": 4 }, byStage: { train: 4 } });
  assert.deepEqual(
    [pairs.met, pairs.possible, pairs.unmet.length],
    [1, possiblePairs("dir").length, possiblePairs("dir").length - 1],
  );
  assert.ok(pairs.unmet.includes("dir twice:seal") && !pairs.unmet.includes("dir worker-kill:train"));
  assert.deepEqual(recoverySeconds, {
    sameMachine: { kills: 4, p50: 2, p95: 4 },
    otherMachine: { kills: 0, p50: null, p95: null },
  });
  assert.deepEqual(recomputed, { pieces: 4, steps: 8 });
  assert.deepEqual(commits, [CODE.commit]);
});

it("reports a campaign that does not hold, with the command that runs it again", () => {
  const results = new Results(undefined, CODE);
  results.add(campaign(1), "all", "again 1");
  results.add(
    campaign(2, { problems: ["2 completions lost"], lost: 2, digestEqual: false }),
    "all",
    "again 2",
  );
  const summary = summarize(results.rows);
  assert.deepEqual([summary.lost, summary.digestEqual], [2, false]);
  assert.deepEqual(summary.problems, [
    { seed: 1, store: "dir", campaign: 2, problem: "2 completions lost", replay: "again 2" },
  ]);
  assert.match(table(summary), /BROKEN seed 1 on dir, campaign 2: 2 completions lost\n +again: again 2/);
});

it("resumes from its file: skips finished campaigns, repeats one whose line is incomplete", () => {
  const file = join(folder, "results.jsonl");
  const first = new Results(file, CODE);
  first.add(campaign(0), "all", "again");
  appendFileSync(file, '{"seed":1,"store":"dir","ind');
  const second = new Results(file, CODE);
  assert.equal(second.rows.length, 1);
  assert.ok(second.has(1, "dir", "all", 0));
  for (const other of [
    second.has(1, "dir", "all", 1),
    second.has(2, "dir", "all", 0),
    second.has(1, "s3", "all", 0),
    second.has(1, "dir", "--kinds twice", 0),
  ])
    assert.equal(other, false);
  second.add(campaign(1), "all", "again");
  assert.deepEqual(
    new Results(file, CODE).rows.map(({ index }) => index),
    [0, 1],
  );
});

it("lines of other code stay in the file and are not counted", () => {
  const file = join(folder, "code.jsonl");
  new Results(file, CODE).add(campaign(0), "all", "again");
  const other = new Results(file, { digest: "two", commit: null });
  assert.deepEqual([other.rows.length, other.others, other.has(1, "dir", "all", 0)], [0, 1, false]);
  other.add(campaign(0), "all", "again");
  assert.equal(readFileSync(file, "utf8").trim().split("\n").length, 2);
});
