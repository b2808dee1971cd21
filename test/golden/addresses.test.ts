// An address that moves orphans every result that was stored under it. When one must move, raise the stage's version in
// activities/versions.ts and write the new address here, in the same commit.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { StageContext } from "../../activities/context.ts";
import { stageKey } from "../../activities/pieces.ts";
import { STAGE_VERSION } from "../../activities/versions.ts";
import { completionSeed } from "../../campaign/recipe/seeds.ts";
import type { StageName } from "../../campaign/types.ts";

const GOLDEN: Record<StageName, [version: number, address: string]> = {
  sft: [3, "ad2d288a7f361a7aca4f18a3fae977b63730c6e57f79b96325fffa60b94a21f2"],
  reward: [2, "acd38bb2a4f1a6c8cbf7aa0ef946e340e40be1a12153a088e3c32b45cdda5951"],
  generate: [2, "28a33e17cbab3ca5df633ca2ca9ed9d7529c1e5a4fedb5c75ed0ebaed2a61480"],
  score: [2, "157c10a1cf1a584c833e16251281434f60ecb73ec5af6e8aa22384dd5f309c90"],
  pair: [1, "4fa1025f152a6cb0df9a1a826d0b658e9a1b758390cf8e1b89ba871d9a065666"],
  train: [3, "1401654666124bac6802b0d2c0b1da0986d5fce38e256a3ee83595c52c3ba111"],
  evaluate: [2, "e9b3d4b67ebcd03331d7bdc3cad14364ef38e8174b8c3b3e301283b205f0bd3a"],
  promote: [1, "0b57daf670836b6a3565193c3b106642d1c3a05698c72b1adaa4f6e3b28e96e0"],
};

function addressOfStage(stage: StageName): string {
  const input = { stage, place: { iteration: 3, take: 1 }, campaign: { campaignId: "golden" } };
  const context = { input, place: "it-0003.1", repairs: new Map() } as unknown as StageContext;
  const inputs = { policy: "a".repeat(64), sampling: { maxTokens: 48, topP: 0.95, samples: [{ temperature: 1, count: 8 }] }, absent: undefined, seed: 7 };
  return /\/([0-9a-f]{64})\.json$/.exec(stageKey(context, inputs))?.[1] ?? "";
}

for (const [stage, golden] of Object.entries(GOLDEN) as [StageName, [number, string]][]) {
  it(`the address of ${stage} has not moved without a version`, () => {
    assert.deepEqual([STAGE_VERSION[stage], addressOfStage(stage)], golden);
  });
}

it("the campaign's id and epoch stay out of every address", () => {
  const key = (campaignId: string, epoch: number) =>
    stageKey({ input: { stage: "train", place: { iteration: 1, take: 1 }, epoch, campaign: { campaignId } }, place: "it-0001.1", repairs: new Map() } as unknown as StageContext, { a: 1 });
  assert.equal(key("one", 1).replace("/one/", "/two/"), key("two", 9));
});

it("what a repair has set aside is made again beside it, at the same address", () => {
  const context = { input: { stage: "train", place: { iteration: 1, take: 1 }, campaign: { campaignId: "golden" } }, place: "it-0001.1" };
  const key = (repairs: Map<string, number>) => stageKey({ ...context, repairs } as unknown as StageContext, { a: 1 });
  const whole = key(new Map());
  assert.equal(key(new Map([[whole, 2]])), whole.replace(".json", "~2.json"));
});

it("the seed of a completion has not moved", () => {
  assert.equal(completionSeed(7, "it-0003.1", "online-00001", 2), "128d199ec01399f1");
});
