// A lost seal that a repair makes again: it has the digest that the ledger names, or none has.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { labelName, sealKey } from "../campaign/ids.ts";
import type { Given, SealResult } from "../campaign/labeling/types.ts";
import { withdrawnLabels } from "../campaign/labeling/ledger-rules.ts";
import type { LedgerEvent } from "../campaign/types.ts";
import { giveLabel } from "./give.ts";
import { createLabel } from "./label.ts";
import type { Questionnaire } from "./questionnaires.ts";
import { recordedSeal } from "./seal-again.ts";
import { sealQuestionnaire } from "./seal.ts";
import { keyAt } from "./standing.ts";
import { openStore } from "../store/index.ts";
import { blobKey } from "../store/layout.ts";
import type { Store } from "../store/types.ts";
import { given, NOTHING_DECIDED, recordQuestionnaire, sealNow } from "../test/support/questionnaire.ts";

let store: Store;
let asked: Questionnaire;
const WHO = { by: "op", why: "" };
const rows: { event: LedgerEvent }[] = [];

beforeEach(async () => {
  store = await openStore("memory:");
  asked = await recordQuestionnaire(store, "c", { count: 20 });
  rows.length = 0;
  rows.push({ event: { type: "created", specDigest: "s", name: "c" } });
});

const give = (comparison: number, more: Partial<Given> = {}) =>
  giveLabel(store, asked, given(comparison, "ada", more), NOTHING_DECIDED);
const second = (n: number): string => `2026-01-02T00:00:${String(n).padStart(2, "0")}.000Z`;
const finish = (label: string): void => {
  const place = { iteration: 2, take: 1 } as const;
  const stages = { label };
  rows.push({ event: { type: "iteration-finished", ...place, policy: "p", stages, decision: "kept" } });
};
const withdraw = (...comparisons: number[]): void => {
  const names = comparisons.map((comparison) => labelName({ comparison, slot: 0, revision: 0 }));
  const labels = [{ place: asked.place, questionnaire: asked.digest, names }];
  rows.push({ event: { type: "labels-withdrawn", labeler: "ada", labels, ...WHO } });
};
/** As a repair does, after it set the manifest aside. */
const again = async (): Promise<string> => {
  const repairs = new Map([[sealKey("c", asked.place, asked.digest), 1]]);
  const recorded = recordedSeal(rows, asked.place);
  const withdrawn = () => Promise.resolve(withdrawnLabels(rows));
  return (await sealQuestionnaire(store, asked, { repairs, withdrawn, recorded, facts: {} })).digest;
};
/** The digest of a seal of what was given so far; its rows are lost afterwards, and so is its result. */
const lose = async ({ result: lost = true } = {}): Promise<string> => {
  const { digest, result } = await sealNow(store, asked);
  await store.backend.delete(blobKey(result.labels));
  if (lost) await store.backend.delete(blobKey(digest));
  return digest;
};

describe("a lost seal", () => {
  it("without its manifest is copied from its result and rows, whatever else was given", async () => {
    await give(0);
    const { digest } = await sealNow(store, asked);
    for (let comparison = 1; comparison < 20; comparison += 1) await unmarked(comparison, 60);
    finish(digest);
    withdraw(0);
    assert.equal(await again(), digest);
  });

  it("of which everything is lost lists the same labels again, without those that raced it", async () => {
    for (let comparison = 0; comparison < 12; comparison += 1)
      await give(comparison, { at: second(comparison) });
    await give(3, { at: second(14), choice: "second" });
    const digest = await lose();
    finish(digest);
    // One is older by its time than labels of the seal, one is a change of mind.
    await unmarked(15, 10);
    await unmarked(16, 20);
    await unmarked(11, 21, { revision: 1, choice: "tie" });
    assert.equal(await again(), digest);
    const { labels } = await store.getJson<SealResult>(digest);
    assert.ok(await store.hasBlob(labels), "its rows are there again");
  });

  it("lists labels that were withdrawn after it, before its place had finished or later", async () => {
    for (const comparison of [0, 1, 2, 3]) await give(comparison);
    withdraw(0);
    const known = withdrawnLabels(rows);
    const { digest, result } = await sealQuestionnaire(store, asked, {
      repairs: new Map(),
      withdrawn: () => Promise.resolve(known),
      facts: {},
    });
    assert.equal(result.counts.labels, 3);
    for (const blob of [digest, result.labels]) await store.backend.delete(blobKey(blob));
    withdraw(1);
    finish(digest);
    withdraw(2);
    assert.equal(await again(), digest);
  });

  it("that no set of labels makes again is another seal, which repair refuses by its digest", async () => {
    for (const comparison of [0, 1, 2]) await give(comparison);
    const digest = await lose();
    finish(digest);
    await store.backend.delete(keyAt(asked, { comparison: 1, slot: 0, revision: 0 }));
    assert.notEqual(await again(), digest);
  });

  it("of a place that has not finished is made of the labels that there are", async () => {
    await give(0);
    const digest = await lose({ result: false });
    await unmarked(1, 1);
    assert.notEqual(await again(), digest);
    assert.equal(recordedSeal(rows, asked.place), undefined);
  });
});

/** A label that raced the seal: given while nobody saw the seal, so it is not marked late. */
async function unmarked(
  comparison: number,
  at: number,
  { revision = 0, choice = "first" as Given["choice"] } = {},
): Promise<void> {
  const label = {
    ...given(comparison, "ben"),
    at: at > 59 ? "2026-01-03T00:00:00.000Z" : second(at),
    choice,
  };
  const key = keyAt(asked, { comparison, slot: 0, revision });
  const stored = {
    schema: "ratchet.labels/1",
    questionnaire: asked.digest,
    slot: 0,
    revision,
    ...label,
  } as const;
  assert.equal(await createLabel(store.backend, key, stored), "created");
}
