// Labels at bad moments: a clock that jumps back, a prompt that is erased while it is asked, a deadline that
// passes while everything is down.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, it } from "node:test";
import type { CompiledSpec } from "../campaign/spec/compiled.ts";
import { RatchetClient } from "../client/ratchet-client.ts";
import { requireCampaign } from "../client/record/record.ts";
import { waitingForPeople } from "../client/record/waiting-labels.ts";
import { openStore } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { given, NOTHING_DECIDED, recordQuestionnaire, sealNow } from "../test/support/questionnaire.ts";
import { recordCampaign } from "../test/support/recorded-campaign.ts";
import { giveLabel } from "./give.ts";
import type { Questionnaire } from "./questionnaires.ts";
import { sealedRows } from "./seal-rows.ts";

const DAY_MS = 86_400_000;
const OPENED = "2026-01-01T00:00:00.000Z";
const PEOPLE = { labels: { deadlineMs: 2 * DAY_MS }, modules: {} } as unknown as CompiledSpec;

let store: Store;
let asked: Questionnaire;
const open = async (end: "running" | "cancelled"): Promise<void> => {
  store = await openStore("memory:");
  await recordCampaign(store, "done", end);
  asked = await recordQuestionnaire(store, "done", { openedAt: OPENED });
};
const give = (...args: Parameters<typeof given>) => giveLabel(store, asked, given(...args), NOTHING_DECIDED);
const waiting = async (now: string) => {
  const { record, rows } = await requireCampaign(store, "done");
  const found = await waitingForPeople(store, PEOPLE, record, rows, Date.parse(now));
  return found && [found.labels, found.withdrawn, found.active, found.leftMs];
};

describe("while people are asked", () => {
  beforeEach(() => open("running"));

  it("a clock that jumps back loses no change of mind, and moves no opening time", async () => {
    await give(0, "ada", { at: "2026-01-01T12:00:00.000Z" });
    await give(0, "ada", { at: "2025-01-01T00:00:00.000Z", choice: "second" });
    const again = await recordQuestionnaire(store, "done", { openedAt: "2025-01-01T00:00:00.000Z" });
    assert.equal(again.openedAt, OPENED);
    assert.deepEqual(await waiting("2025-12-31T00:00:00.000Z"), [1, undefined, 0, 3 * DAY_MS]);
    const [row] = await sealedRows(store, await sealNow(store, asked));
    assert.deepEqual([row?.revision, row?.choice], [1, "second"]);
  });

  it("a deadline that passed while everything was down has passed; the labels are counted", async () => {
    await give(0, "ada", { at: "2026-01-01T12:00:00.000Z" });
    assert.deepEqual(await waiting("2026-01-01T12:30:00.000Z"), [1, undefined, 1, 1.5 * DAY_MS - 1_800_000]);
    assert.deepEqual(await waiting("2026-02-01T00:00:00.000Z"), [1, undefined, 0, 0]);
  });

  it("status counts withdrawn labels apart", async () => {
    for (const comparison of [0, 1, 2]) await give(comparison, "ada");
    await give(4, "ben");
    await new RatchetClient(store).withdrawLabels("done", "ada", { comparisons: [0, 1] });
    assert.deepEqual((await waiting("2026-01-02T00:00:00.000Z"))?.slice(0, 3), [2, 2, 2]);
    await giveLabel(store, asked, given(0, "ben"), {
      ...NOTHING_DECIDED,
      withdrawn: new Set([`${asked.digest}/000000/0.0.json`]),
    });
    assert.deepEqual((await waiting("2026-01-02T00:00:00.000Z"))?.slice(0, 3), [3, 1, 2]);
  });
});

it("a prompt that is erased in an open questionnaire is asked no more; its labels count", async () => {
  await open("cancelled");
  const client = new RatchetClient(store);
  for (const comparison of [0, 1]) await give(comparison, "ada", { note: "p2 said another secret" });
  await client.erase("p2", { why: "asked to be forgotten" });
  const folder = await mkdtemp(join(tmpdir(), "ratchet-erased-"));
  const out = join(folder, "questions.jsonl");
  await client.exportLabels("done", out, { format: "ratchet", what: "questions" });
  const questions = (await readFile(out, "utf8")).trimEnd().split("\n");
  await rm(folder, { recursive: true });
  assert.deepEqual(
    questions.map((line) => (JSON.parse(line) as { comparison: number }).comparison),
    [0, 2, 4, 6],
  );
  assert.equal((await sealNow(store, asked)).result.counts.labels, 2);
  assert.deepEqual((await client.verify("done")).problems, []);
});
