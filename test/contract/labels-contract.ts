/* oxlint-disable max-lines -- one contract, which each backend's test runs whole */
// Labels on every backend: given once, never lost, counted if and only if the seal lists them; and
// maintenance.
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import type { SealRow } from "../../campaign/labeling/types.ts";
import { labelStats } from "../../client/labels.ts";
import { withdrawLabels } from "../../client/withdraw-labels.ts";
import { copyCampaign } from "../../client/maintenance/copy.ts";
import { erasePrompt } from "../../client/maintenance/erase.ts";
import { pruneStore } from "../../client/maintenance/prune.ts";
import { repairCampaign } from "../../client/maintenance/repair.ts";
import { verifyCampaign } from "../../client/maintenance/verify.ts";
import { giveLabel } from "../../labels/give.ts";
import { questionnairesOf, readSeal } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { sealedRows } from "../../labels/seal-rows.ts";
import { keyAt, labelsAt, readLabels } from "../../labels/standing.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { storeOn } from "../../store/index.ts";
import type { Backend, Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { agedStore } from "../support/aged-store.ts";
import { given, NOTHING_DECIDED, recordQuestionnaire, sealNow } from "../support/questionnaire.ts";
import { recordCampaign } from "../support/recorded-campaign.ts";

const WHO = { by: "ada", why: "asked to" };
const HOUR_MS = 3_600_000;

// oxlint-disable-next-line max-lines-per-function -- describe blocks
export function labelsContract(
  name: string,
  open: () => Promise<Backend>,
  skip: string | false = false,
): void {
  describe(`labels on ${name}`, { skip, timeout: 400_000 }, () => {
    let store: Store;
    let asked: Questionnaire;
    const fresh =
      (options = {}) =>
      async (): Promise<void> => {
        store = await storeOn(await open());
        await recordCampaign(store, "done");
        asked = await recordQuestionnaire(store, "done", options);
      };
    const give = (...args: Parameters<typeof given>) =>
      giveLabel(store, asked, given(...args), NOTHING_DECIDED);
    const seal = () => sealNow(store, asked);
    const rows = async (): Promise<SealRow[]> => sealedRows(store, await seal());
    const names = async (): Promise<string[]> =>
      (await labelsAt(store, asked)).map(({ comparison, slot, revision }) => {
        const owner = typeof slot === "number" ? String(slot) : slot.extra;
        return `${comparison} ${owner} ${revision}`;
      });
    const stats = async () => (await labelStats(store, { campaignId: "done" }))[0]!;
    const problems = async () => (await verifyCampaign(store, "done")).problems;

    describe("a questionnaire", () => {
      before(fresh());

      it("keeps its first opening time, and is found by who labels", async () => {
        const again = await recordQuestionnaire(store, "done", { openedAt: "2027-01-01T00:00:00.000Z" });
        assert.equal(again.openedAt, "2026-01-01T00:00:00.000Z");
        assert.deepEqual(await questionnairesOf(store, "done", NOTHING_DECIDED.repairs), [asked]);
        assert.deepEqual(await questionnairesOf(store, "nothing", NOTHING_DECIDED.repairs), []);
      });
    });

    describe("giving", () => {
      before(fresh({ perComparison: 2 }));

      it("takes the free slots in order; the same label twice is one", async () => {
        assert.equal(await give(0, "ada"), "open");
        assert.equal(await give(0, "ada", { at: "2026-03-01T00:00:00.000Z", seconds: 3 }), "same");
        assert.equal(await give(0, "ben", { choice: "tie" }), "open");
        assert.deepEqual(await names(), ["0 0 0", "0 1 0"]);
      });

      it("stores a label for taken slots as an extra", async () => {
        assert.equal(await give(0, "cyd"), "extra");
        assert.equal(await give(0, "cyd"), "same");
        assert.deepEqual(await names(), ["0 0 0", "0 1 0", "0 cyd 0"]);
      });

      it("writes a change of mind as a new revision, and a withdrawal frees the slot", async () => {
        assert.equal(await give(1, "ada"), "open");
        assert.equal(await give(1, "ada", { choice: "second" }), "open");
        assert.equal(await give(1, "ada", { choice: null }), "withdrawn");
        assert.equal(await give(1, "ben", { choice: null }), "same");
        assert.equal(await give(1, "ben"), "open");
        assert.equal(await give(1, "ada", { choice: "second" }), "open");
        assert.deepEqual((await names()).slice(3), ["1 0 0", "1 0 1", "1 0 2", "1 0 3", "1 1 0"]);
      });

      it("gives two people that race two slots, and loses nobody's label", async () => {
        const racers = ["ada", "ben", "cyd", "dee", "eve"];
        const outcomes = await Promise.all(racers.map((labeler) => give(2, labeler)));
        assert.deepEqual(outcomes.sort(), ["extra", "extra", "extra", "open", "open"]);
        const labels: string[] = [];
        for await (const { label } of readLabels(store, asked, await labelsAt(store, asked)))
          if (label.comparison === 2) labels.push(label.labeler);
        assert.deepEqual(labels.sort(), racers);
      });

      it("stores what one person gives twice at the same moment once", async () => {
        const outcomes = await Promise.all([give(3, "ada"), give(3, "ada"), give(3, "ben")]);
        // S3 may say of two equal objects at one key that it created both.
        assert.ok(
          outcomes.every((outcome) => outcome === "open" || outcome === "same"),
          outcomes.join(),
        );
        assert.deepEqual(
          (await names()).filter((name) => name.startsWith("3 ")),
          ["3 0 0", "3 1 0"],
        );
      });

      it("refuses what is no label of the questionnaire", async () => {
        const bad: [Parameters<typeof given>, RegExp][] = [
          [[8, "ada"], /comparison 8.*0 to 7/],
          [[-1, "ada"], /comparison -1/],
          [[0, "../ada"], /labeler/],
          [[0, "ada", { choice: "third" as never }], /choice "third"/],
          [[0, "ada", { strength: 4 }], /strength 4/],
          [[0, "ada", { choice: "tie", strength: 1 }], /prefers no answer/],
          [[0, "ada", { seconds: -1 }], /seconds/],
          [[0, "ada", { at: "yesterday" }], /time/],
        ];
        for (const [args, message] of bad)
          await assert.rejects(give(...args), { code: "label_invalid", kind: "spec", message });
      });
    });

    describe("the seal", () => {
      before(fresh());

      it("lists the newest revision of each slot, without times and names; later ones are late", async () => {
        await give(3, "ada", { choice: "tie" });
        await give(0, "ben");
        await give(0, "ben", { choice: "second", strength: 2 });
        await give(1, "ada");
        await give(1, "ada", { choice: null });
        await give(0, "cyd");
        const expected = [
          { comparison: 0, slot: 0, revision: 1, choice: "second", strength: 2 },
          { comparison: 3, slot: 0, revision: 0, choice: "tie", audit: true },
        ];
        assert.deepEqual(await rows(), expected);
        assert.deepEqual((await seal()).result.counts, {
          labels: 2,
          audit: 1,
          trained: 1,
          choices: { first: 0, second: 1, tie: 1, both_bad: 0 },
        });
        assert.equal(await give(2, "ada"), "late");
        assert.equal(await give(0, "ben", { choice: "first" }), "late");
        assert.deepEqual(await rows(), expected);
        const { states } = await stats();
        assert.deepEqual(states, {
          open: 0,
          counted: 2,
          late: 2,
          extra: 1,
          withdrawn: 1,
          undecided: 0,
        });
        assert.deepEqual(await problems(), []);
      });

      it("has one digest for the same labels given at other times by others", async () => {
        const digests: string[] = [];
        for (const [labeler, at] of [
          ["ada", "2026-01-02T00:00:00.000Z"],
          ["ben", "2026-02-03T00:00:00.000Z"],
        ] as const) {
          await fresh()();
          for (const comparison of labeler === "ada" ? [0, 3, 5] : [5, 0, 3])
            await give(comparison, labeler, { at, seconds: labeler.length, note: labeler });
          digests.push((await seal()).digest);
          assert.equal((await readSeal(store, asked, NOTHING_DECIDED.repairs))?.digest, digests.at(-1));
        }
        assert.equal(digests[0], digests[1]);
      });

      it("leaves out a label that is stored between its reads and its commit; it is late", async () => {
        await fresh()();
        await give(0, "ada");
        const { backend } = store;
        let during: Promise<string> | undefined;
        const held = await storeOn({
          ...backend,
          async putIfAbsent(key, bytes) {
            if (key.includes("/seal-")) await (during = give(1, "ben"));
            return backend.putIfAbsent(key, bytes);
          },
        });
        await sealNow(held, asked);
        assert.equal(await during, "open", "nobody had sealed when it was stored");
        assert.deepEqual(
          (await rows()).map(({ comparison }) => comparison),
          [0],
        );
        assert.equal((await stats()).states.late, 1);
        assert.deepEqual(await problems(), []);
      });

      it("lists each label that raced it, or that label is late", async () => {
        await fresh({ count: 40 })();
        const giving = Array.from({ length: 40 }, (_, i) => give(i, "ada"));
        const [, ...outcomes] = await Promise.all([seal(), ...giving]);
        const listed = new Set((await rows()).map(({ comparison }) => comparison));
        outcomes.forEach((outcome, comparison) => {
          // `open`: it was written, and nobody had sealed when it was looked at; the seal may still miss it.
          if (outcome === "counted") assert.ok(listed.has(comparison));
          if (outcome === "late") assert.ok(!listed.has(comparison));
        });
        const { states } = await stats();
        assert.equal(states.counted + states.late, 40);
        assert.equal(states.counted, listed.size);
      });
    });

    describe("maintenance", () => {
      before(fresh());
      const atKey = (comparison: number, slot: number | { extra: string }, revision = 0): string =>
        keyAt(asked, { comparison, slot, revision });
      const gateway = {} as Gateway;
      const repair = () => repairCampaign(store, gateway, "done", { ...WHO, requestId: "r" });

      it("verify knows open, extra and withdrawn labels; prune keeps them; copy copies them", async () => {
        await give(0, "ada", { note: "p1 said so" });
        await give(1, "ada", { note: "about the secret" });
        await give(1, "ben");
        await give(2, "ada");
        await give(2, "ada", { choice: null });
        const { checked, problems: found } = await verifyCampaign(store, "done");
        assert.deepEqual([checked.labels, found], [5, []]);
        await pruneStore(await agedStore(store, 2 * HOUR_MS), { dryRun: false, graceMs: HOUR_MS });
        assert.deepEqual(await problems(), []);
        const other = { ...(await storeOn(memoryBackend())), name: "memory:another" };
        assert.equal((await copyCampaign(store, other, "done", WHO)).labels, 5);
        assert.equal((await verifyCampaign(other, "done")).checked.labels, 5);
        assert.deepEqual((await verifyCampaign(other, "done")).problems, []);
        assert.equal((await copyCampaign(store, other, "done", WHO)).labels, 0);
      });

      it("verify, prune and copy know labels that a row of the ledger withdraws", async () => {
        await give(4, "ada", { note: "in the copy too" });
        const address = { campaignId: "done" };
        await withdrawLabels(store, address, { ...WHO, labeler: "ada", comparisons: [4], requestId: "w" });
        const { checked, problems: found } = await verifyCampaign(store, "done");
        assert.deepEqual([checked.labels, found], [6, []]);
        await pruneStore(await agedStore(store, 2 * HOUR_MS), { dryRun: false, graceMs: HOUR_MS });
        assert.deepEqual(await problems(), []);
        const other = { ...(await storeOn(memoryBackend())), name: "memory:withdrawn" };
        await copyCampaign(store, other, "done", WHO);
        const [here, there] = await Promise.all([store, other].map((one) => labelStats(one, address)));
        assert.equal(here?.[0]?.states.withdrawn, 2);
        assert.deepEqual(there, here);
        assert.deepEqual((await verifyCampaign(other, "done")).problems, []);
      });

      it("repair deletes a damaged label that no seal lists, so that it can be given again", async () => {
        await store.backend.put(atKey(0, 0), new TextEncoder().encode("{}\n"));
        assert.deepEqual(
          (await problems()).map(({ code, what }) => [code, what]),
          [["artifact_corrupt", atKey(0, 0)]],
        );
        await assert.rejects(seal(), { code: "artifact_corrupt", message: /000000\/0\.0/ });
        assert.deepEqual((await repair()).dropped, [atKey(0, 0)]);
        assert.deepEqual(await problems(), []);
        assert.equal(await give(0, "ada", { note: "p1 said so" }), "open");
      });

      it("a label that was moved to another key, or that contradicts the seal, is damage", async () => {
        await seal();
        const bytes = (await store.backend.get(atKey(0, 0))) as Uint8Array;
        await store.backend.put(atKey(5, 0), bytes);
        assert.deepEqual(
          (await problems()).map(({ what }) => what),
          [atKey(5, 0)],
        );
        await store.backend.delete(atKey(5, 0));
        await store.backend.delete(atKey(0, 0));
        const [gone] = await problems();
        assert.deepEqual([gone?.code, gone?.what], ["artifact_missing", atKey(0, 0)]);
        await assert.rejects(repair(), { code: "unrepairable", message: /the seal of questionnaire/ });
        await store.backend.put(atKey(0, 0), bytes);
        assert.deepEqual(await problems(), []);
      });

      it("erase removes notes about the prompt with its comparisons, and keeps the choices", async () => {
        await erasePrompt(store, "p2", { ...WHO, requestId: "e", dryRun: false });
        assert.deepEqual(await problems(), []);
        for await (const key of store.backend.list("")) {
          const text = new TextDecoder().decode(await store.backend.get(key));
          assert.doesNotMatch(text, /secret/, key);
        }
        const notes: (string | undefined)[] = [];
        for await (const { label } of readLabels(store, asked, await labelsAt(store, asked)))
          notes.push(label.note);
        assert.deepEqual(notes, [
          "p1 said so",
          undefined,
          undefined,
          undefined,
          undefined,
          "in the copy too",
        ]);
        assert.equal((await stats()).states.counted, 2);
      });

      it("labels without their questionnaire are damage of the questionnaire, never deleted", async () => {
        await store.backend.delete("campaigns/done/results/it-0002.1/label/a.json");
        const found = await problems();
        assert.deepEqual(
          found.map(({ code, what }) => [code, what]),
          [["artifact_missing", asked.digest]],
        );
        const before = await names();
        await assert.rejects(repair(), { code: "unrepairable" });
        assert.deepEqual(await names(), before);
      });
    });
  });
}
