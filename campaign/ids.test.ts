import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import {
  BASELINE_NAME,
  buildOf,
  identityOf,
  isCampaignId,
  parseAddress,
  placeName,
  placeWorkflowId,
  resultKey,
  scheduleOf,
  temporalScheduleId,
  checkpointsPrefix,
} from "./ids.ts";

/** Members without a value are left out, as in JSON. */
const parsed = (text: string): unknown => JSON.parse(JSON.stringify(parseAddress(text) ?? null));

const campaignId = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,62}$/);

it("places are named with padded iterations, so that names sort as numbers do", () => {
  assert.equal(placeName({ iteration: 3, take: 2 }), "it-0003.2");
  assert.equal(placeName({ baseline: "offline", take: 1 }), "base-offline.1");
  fc.assert(
    fc.property(fc.nat(9999), fc.nat(9999), (a, b) => {
      const [first, second] = [placeName({ iteration: a, take: 1 }), placeName({ iteration: b, take: 1 })];
      assert.equal(first < second, a < b);
    }),
  );
});

it("parseAddress reads what placeName wrote", () => {
  fc.assert(
    fc.property(campaignId, fc.nat(9999), fc.integer({ min: 1, max: 99 }), (campaignId, iteration, take) => {
      assert.deepEqual(parsed(`${campaignId}/${placeName({ iteration, take })}`), {
        campaignId,
        iteration,
        take,
      });
    }),
  );
  assert.deepEqual(parsed("shop/base-offline-matched.1"), {
    campaignId: "shop",
    baseline: "offline-matched",
    take: 1,
  });
});

it("an address may stop at any part", () => {
  assert.deepEqual(parsed("shop"), { campaignId: "shop" });
  assert.deepEqual(parsed("shop/3"), { campaignId: "shop", iteration: 3 });
  assert.deepEqual(parsed("shop/3/generate"), { campaignId: "shop", iteration: 3, stage: "generate" });
  assert.deepEqual(parsed("shop/3.2/score"), {
    campaignId: "shop",
    iteration: 3,
    take: 2,
    stage: "score",
  });
});

it("a text that is no address is refused", () => {
  for (const text of [
    "",
    "Shop",
    "shop/",
    "shop/x",
    "shop/3/bake",
    "shop/3/generate/x",
    "shop/3/generate/7",
    "shop//3",
    "-shop",
    "a".repeat(64),
  ])
    assert.equal(parseAddress(text), undefined, text);
});

it("ids use only characters that file systems and workflow ids accept", () => {
  assert.ok(isCampaignId("shop-1.quick_2"));
  for (const id of ["", ".shop", "Shop", "shop/1", "shöp", "shop 1"]) assert.ok(!isCampaignId(id), id);
  assert.ok(BASELINE_NAME.test("offline-matched"));
  assert.ok(!BASELINE_NAME.test("off.line"));
});

it("keys and workflow ids of one place share its name", () => {
  const place = { iteration: 3, take: 1 };
  assert.equal(placeWorkflowId("shop", place), "ratchet:shop/it-0003.1");
  assert.equal(resultKey("shop", place, "score", "abc"), "campaigns/shop/results/it-0003.1/score/abc.json");
  assert.equal(checkpointsPrefix("shop", place, "train", "abc"), "campaigns/shop/work/it-0003.1/train/abc/");
});

it("a worker's build is read from its identity; other identities have none", () => {
  assert.equal(
    buildOf(identityOf(7, "host.name", "0.1.0+43e58be5f2c1.9b1c2d3e")),
    "0.1.0+43e58be5f2c1.9b1c2d3e",
  );
  assert.equal(buildOf("7@host.name"), undefined);
});

it("a schedule is read from Temporal's id of it; ids of other programs are none", () => {
  assert.equal(scheduleOf(temporalScheduleId("nightly-2")), "nightly-2");
  for (const id of ["nightly", "ratchet:", "ratchet:Nightly", "other:nightly", "ratchet:a/b"])
    assert.equal(scheduleOf(id), undefined, id);
});
