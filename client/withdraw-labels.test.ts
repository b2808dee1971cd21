// Labels that a row of the ledger withdraws: what later seals list, and what had been trained on them.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { resultKey } from "../campaign/ids.ts";
import type { SealRow } from "../campaign/labeling/types.ts";
import type { LedgerEvent, StageDigests } from "../campaign/types.ts";
import { decidedBy } from "../labels/decided.ts";
import { giveLabel } from "../labels/give.ts";
import type { Questionnaire } from "../labels/questionnaires.ts";
import { sealedRows } from "../labels/seal-rows.ts";
import { memoryBackend } from "../store/backends/memory.ts";
import { storeOn } from "../store/index.ts";
import type { Backend, Store } from "../store/types.ts";
import { given, recordQuestionnaire, sealNow } from "../test/support/questionnaire.ts";
import { recordCampaign } from "../test/support/recorded-campaign.ts";
import { RatchetClient } from "./ratchet-client.ts";
import { requireCampaign } from "./record/record.ts";
import { readWithdrawals } from "./record/withdrawals.ts";

const WHO = { by: "op", why: "labeled at random" };
let backend: Backend;
let store: Store;
let client: RatchetClient;
let asked: Questionnaire;

beforeEach(async () => {
  backend = memoryBackend();
  store = await storeOn(backend);
  client = new RatchetClient(store);
  await recordCampaign(store, "done");
  asked = await recordQuestionnaire(store, "done", { perComparison: 2 });
});

const decided = async () => decidedBy(await store.ledger("done").follow<LedgerEvent>());
const give = async (...args: Parameters<typeof given>) =>
  giveLabel(store, asked, given(...args), await decided());
const seal = async (): Promise<string[]> =>
  (await sealedRows(store, await sealNow(store, asked))).map(
    ({ comparison, slot, revision }: SealRow) => `${comparison}/${slot}.${revision}`,
  );
const withdraw = (labeler: string, comparisons?: number[]) =>
  client.withdrawLabels("done", labeler, { ...WHO, comparisons });
/** As history reads them. */
const withdrawals = async () => {
  const { record, rows } = await requireCampaign(store, "done");
  return readWithdrawals(store, record, rows);
};
const stats = async () => (await client.labelStats("done"))[0]!;

describe("labels withdraw", () => {
  it("leaves a labeler's labels out of the seal, also a change of mind, and frees their slots", async () => {
    await give(0, "ada");
    await give(0, "ada", { choice: "second" });
    await give(0, "ben");
    await give(0, "cyd");
    await give(1, "ada", { choice: null });
    await give(2, "ada");
    const { campaignId, withdrawal } = await withdraw("ada");
    assert.equal(campaignId, "done");
    assert.deepEqual(
      [withdrawal?.labels, withdrawal?.by, withdrawal?.why, withdrawal?.trained, withdrawal?.descended],
      [3, "op", "labeled at random", [], []],
    );
    assert.equal((await stats()).states.withdrawn, 2, "the change of mind is the label");
    assert.equal(await give(2, "dee"), "open");
    assert.equal(await give(0, "ada", { choice: "second" }), "open", "given anew, it is another label");
    const counts = { open: 3, counted: 0, late: 0, extra: 1, undecided: 0, withdrawn: 2 };
    assert.deepEqual((await stats()).states, counts);
    assert.deepEqual(await seal(), ["0/0.2", "0/1.0", "2/0.1"]);
    const { states, withdrawnAfterSeal } = await stats();
    assert.deepEqual([states.counted, states.withdrawn, withdrawnAfterSeal], [3, 2, 0]);
  });

  it("of single comparisons withdraws those only; a second time nothing is recorded", async () => {
    for (const comparison of [0, 1, 2]) await give(comparison, "ada");
    assert.equal((await withdraw("ada", [1, 2])).withdrawal?.labels, 2);
    const rows = (await store.ledger("done").read()).length;
    assert.equal((await withdraw("ada", [1])).withdrawal, undefined);
    assert.equal((await store.ledger("done").read()).length, rows);
    assert.equal((await withdraw("ada")).withdrawal?.labels, 1);
    assert.deepEqual(await seal(), []);
  });

  it("refuses somebody who gave no label, and a campaign that was moved", async () => {
    await give(0, "ada");
    await assert.rejects(withdraw("ben"), {
      code: "labeler_unknown",
      message: /"ben" gave no label in done/,
    });
    await assert.rejects(withdraw("ada", [3]), { code: "labeler_unknown", message: /of comparison 3/ });
    const event: LedgerEvent = { type: "moved", to: "there", ...WHO };
    await store.ledger("done").append({ id: "moved", epoch: 1, event, by: "op" });
    await assert.rejects(withdraw("ada"), { code: "campaign_moved" });
  });

  it("takes no epoch of a running campaign, and has that of a run that opened it meanwhile", async () => {
    await give(0, "ada");
    const ledger = store.ledger("done");
    const opened = { type: "opened", server: "s", namespace: "n", runId: "other" } as const;
    // Another run opens the campaign between the client's look at the epoch and its row.
    const put = backend.putIfAbsent;
    let raced = false;
    backend.putIfAbsent = async (key, bytes) => {
      if (!raced && key.includes("/ledger/")) {
        raced = true;
        await ledger.takeOver<LedgerEvent>({ id: "opened:other", event: opened, by: "run" });
      }
      return put(key, bytes);
    };
    await withdraw("ada");
    const rows = await ledger.read<LedgerEvent>();
    assert.deepEqual(
      rows.slice(-2).map(({ epoch, event }) => [epoch, event.type]),
      [
        [2, "opened"],
        [2, "labels-withdrawn"],
      ],
    );
    await ledger.append({ id: "later", epoch: 2, event: { type: "paused", ...WHO }, by: "run" });
  });

  it("a file that is imported again brings no withdrawn label back", async () => {
    await give(0, "ada");
    await withdraw("ada");
    const { Giver } = await import("../labels/give.ts");
    const giver = new Giver(store, asked, await decided(), { skipOlder: true });
    assert.equal(await giver.give(given(0, "ada", { at: "2027-01-01T00:00:00.000Z" })), "withdrawn");
    assert.equal(await giver.give(given(0, "ada", { choice: "second" })), "withdrawn", "older");
    const newer = { choice: "second", at: "2027-01-01T00:00:00.000Z" } as const;
    assert.equal(await giver.give(given(0, "ada", newer)), "open");
  });

  it("no later label has the name of a withdrawn one that was damaged and deleted", async () => {
    await give(0, "ada");
    await withdraw("ada");
    for await (const key of backend.list("campaigns/done/labels/")) await backend.delete(key);
    assert.equal(await give(0, "ben"), "open");
    assert.deepEqual(await seal(), ["0/0.1"]);
  });
});

describe("a withdrawal and a seal", () => {
  it("one after the other: history names what the seal lists, and nothing else", async () => {
    await give(0, "ada");
    await give(3, "ada");
    await withdraw("ada", [3]);
    assert.deepEqual(await seal(), ["0/0.0"]);
    const { withdrawal } = await withdraw("ada");
    assert.deepEqual(
      withdrawal?.trained.map(({ place, labels, audit }) => [place, labels, audit]),
      [["it-0002.1", 1, 0]],
    );
    assert.deepEqual(await seal(), ["0/0.0"], "the seal stays as it is");
    const { states, withdrawnAfterSeal, quality } = await stats();
    assert.deepEqual([states.counted, states.withdrawn, withdrawnAfterSeal], [1, 1, 1]);
    assert.equal(quality.labels, 0, "no figure is about withdrawn labels");
    assert.deepEqual(
      (await withdrawals()).map(({ labels, trained }) => [labels, trained.length]),
      [
        [1, 0],
        [1, 1],
      ],
    );
  });

  /** What is withdrawn at which moment of the seal. */
  const moments: [string, "get" | "put" | "putIfAbsent", string, string[]][] = [
    ["while it reads the labels", "get", "/labels/", []],
    ["while it writes its rows", "put", "blobs/", ["0/0.0", "3/0.0"]],
    ["just before it is created", "putIfAbsent", "/seal-", ["0/0.0", "3/0.0"]],
  ];
  for (const [when, operation, part, expected] of moments)
    it(`at the same time, the row written ${when}: history agrees with the seal`, async () => {
      await give(0, "ada");
      await give(3, "ada");
      let raced = false;
      const call = backend[operation] as (key: string, bytes: Uint8Array) => Promise<unknown>;
      const racing = async (key: string, bytes: Uint8Array): Promise<unknown> => {
        if (!raced && key.includes(part)) {
          raced = true;
          await withdraw("ada");
        }
        return call(key, bytes);
      };
      Object.assign(backend, { [operation]: racing });
      assert.deepEqual(await seal(), expected);
      assert.ok(raced);
      const [withdrawal] = await withdrawals();
      assert.deepEqual(
        withdrawal?.trained.map(({ labels, audit }) => [labels, audit]),
        expected.length === 0 ? [] : [[2, 1]],
      );
    });
});

describe("what was trained on withdrawn labels", () => {
  const tree = (name: string) => store.putJson({ schema: "ratchet.tree/1", files: [], name });

  /** One iteration as recorded: its pairs are of `source`, and its training starts at `start`. */
  async function finish(iteration: number, start: string, source: string): Promise<string> {
    const place = { iteration, take: 1 };
    const commit = async (stage: string, result: object): Promise<string> => {
      const manifest = { schema: `ratchet.${stage}/1`, result: { stage, iteration, ...result }, facts: {} };
      return (await store.commitManifest(resultKey("line", place, stage, "x"), manifest)).digest;
    };
    const pair = await commit("pair", { source });
    const policy = await tree(`policy ${iteration}`);
    const train = await commit("train", { start, data: pair, policy });
    const stages: StageDigests = { pair, train };
    const event: LedgerEvent = {
      type: "iteration-finished",
      ...place,
      policy,
      stages,
      decision: "kept",
    };
    await store.ledger("line").append({ id: `it-${iteration}`, epoch: 0, event, by: "t" });
    return policy;
  }

  it("are the policies of its place, and all that started from them; an audit trains nothing", async () => {
    const initial = await tree("initial");
    const created = { type: "created", specDigest: initial, name: "line" } as const;
    await store.ledger("line").append<LedgerEvent>({ id: "created", epoch: 0, event: created, by: "t" });
    asked = await recordQuestionnaire(store, "line");
    for (const [comparison, labeler] of [
      [0, "ada"],
      [3, "ben"],
    ] as const)
      await giveLabel(store, asked, given(comparison, labeler), decidedBy([]));
    const { digest } = await sealNow(store, asked);
    const first = await finish(1, initial, initial);
    const second = await finish(2, first, digest);
    const third = await finish(3, second, initial);
    await finish(4, initial, initial);

    const ofAda = (await client.withdrawLabels("line", "ada", WHO)).withdrawal;
    assert.deepEqual(ofAda?.trained, [
      { place: "it-0002.1", labels: 1, audit: 0, seal: digest, models: [second] },
    ]);
    assert.deepEqual(ofAda?.descended, [{ place: "it-0003.1", policy: third }]);
    const ofBen = (await client.withdrawLabels("line", "ben", WHO)).withdrawal;
    assert.deepEqual(
      ofBen?.trained.map(({ audit, models }) => [audit, models]),
      [[1, []]],
    );
    assert.deepEqual(ofBen?.descended, []);
  });
});
