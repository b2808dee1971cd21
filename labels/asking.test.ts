// Questionnaires that nobody will close: shown as abandoned, and not asked any more.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, describe, it } from "node:test";
import { RatchetClient } from "../client/ratchet-client.ts";
import type { LedgerEvent } from "../campaign/types.ts";
import { Desk } from "../label-page/desk/desk.ts";
import { openStore } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { given, NOTHING_DECIDED, recordQuestionnaire, sealNow } from "../test/support/questionnaire.ts";
import { recordCampaign } from "../test/support/recorded-campaign.ts";
import { giveLabel } from "./give.ts";
import type { Questionnaire } from "./questionnaires.ts";

const folder = await mkdtemp(join(tmpdir(), "ratchet-asking-"));
after(() => rm(folder, { recursive: true }));

let store: Store;
let client: RatchetClient;
let policy: string;
beforeEach(async () => {
  store = await openStore("memory:");
  client = new RatchetClient(store);
  ({ policy } = await recordCampaign(store, "done", "running"));
});

const finished = async (take: number): Promise<void> => {
  const event: LedgerEvent = {
    type: "iteration-finished",
    iteration: 2,
    take,
    policy,
    stages: {},
    decision: "kept",
  };
  await store.ledger("done").append({ id: `it-2.${take}`, epoch: 1, event, by: "t" });
};
const asking = async () =>
  (await client.labelStats("done")).map(({ place, questionnaire, asking: now }) => [
    place,
    questionnaire.slice(0, 8),
    now,
  ]);
const short = ({ digest }: Questionnaire): string => digest.slice(0, 8);
let files = 0;
const exported = async (what: "questions" | "labels"): Promise<{ questionnaire: string }[]> => {
  const out = join(folder, `export-${(files += 1)}.jsonl`);
  await client.exportLabels("done", out, { format: "ratchet", what });
  const lines = (await readFile(out, "utf8")).split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as { questionnaire: string });
};
const askedOf = async (labeler: string) => {
  const desk = new Desk(await client.labelSource("done"), ["ada", "ben"], Buffer.alloc(32));
  return (await desk.next(labeler, []))?.progress;
};

describe("a questionnaire of a take that another take has replaced", () => {
  let first: Questionnaire;
  let second: Questionnaire;
  beforeEach(async () => {
    first = await recordQuestionnaire(store, "done", { count: 4 });
    await giveLabel(store, first, given(0, "ada"), NOTHING_DECIDED);
    second = await recordQuestionnaire(store, "done", { count: 8, take: 2 });
  });

  it("is abandoned once the ledger is past it; before that both are open", async () => {
    assert.deepEqual(await asking(), [
      ["it-0002.1", short(first), "open"],
      ["it-0002.2", short(second), "open"],
    ]);
    await sealNow(store, second);
    await finished(2);
    assert.deepEqual(await asking(), [
      ["it-0002.1", short(first), "abandoned"],
      ["it-0002.2", short(second), "closed"],
    ]);
    assert.equal(await askedOf("ben"), undefined);
    const questions = await exported("questions");
    assert.deepEqual(new Set(questions.map(({ questionnaire }) => questionnaire)), new Set([second.digest]));
    assert.equal((await exported("labels")).length, 1, "its labels stay");
  });

  it("its labels are no labels of the other one: that seal lists none of them", async () => {
    await giveLabel(store, second, given(1, "ben"), NOTHING_DECIDED);
    assert.equal((await sealNow(store, second)).result.counts.labels, 1);
    const states = (await client.labelStats("done")).map(({ states: found }) => [found.open, found.counted]);
    assert.deepEqual(states, [
      [1, 0],
      [0, 1],
    ]);
  });

  it("a label for it is stored as late: from a file, and from a page that was left open", async () => {
    const desk = new Desk(await client.labelSource("done"), ["ada"], Buffer.alloc(32));
    const question = (await desk.next("ada", []))!;
    assert.equal(question.progress.asked, 4);
    await finished(2);
    const path = join(folder, "answers.jsonl");
    const line = { questionnaire: first.digest, comparison: 3, choice: "tie", labeler: "cyd" };
    await writeFile(path, `${JSON.stringify(line)}\n`);
    const { outcomes } = await client.importLabels("done", { file: "answers", path, format: "ratchet" });
    assert.deepEqual(outcomes, { late: 1 });
    const later = new Desk(await client.labelSource("done"), ["ada"], Buffer.alloc(32));
    const label = { ticket: question.ticket, choice: "left", seconds: 1 } as const;
    assert.deepEqual(await later.give("ada", label), { outcome: "late" });
  });
});

it("a questionnaire that was opened again in its place, with other answers, is abandoned", async () => {
  const old = await recordQuestionnaire(store, "done", { name: "old" });
  const now = await recordQuestionnaire(store, "done", {
    count: 4,
    openedAt: "2026-02-01T00:00:00.000Z",
    name: "new",
  });
  assert.deepEqual(
    new Map((await asking()).map(([, digest, state]) => [digest, state])),
    new Map([
      [short(old), "abandoned"],
      [short(now), "open"],
    ]),
  );
  assert.equal((await askedOf("ada"))?.asked, 4);
  // A worker of the version before sealed the first one after all.
  await sealNow(store, old);
  assert.deepEqual(
    new Map((await asking()).map(([, digest, state]) => [digest, state])),
    new Map([
      [short(old), "closed"],
      [short(now), "abandoned"],
    ]),
  );
});
