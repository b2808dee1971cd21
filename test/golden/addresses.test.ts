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
  sft: [1, "72014a6e3aa1f24de6441056bc58548e2d9ed706076aa354727c1efadd4658da"],
  reward: [1, "6aa2844b693aa055482583195182612566a475a563234e989d51f657c3bf3efb"],
  generate: [2, "28a33e17cbab3ca5df633ca2ca9ed9d7529c1e5a4fedb5c75ed0ebaed2a61480"],
  score: [2, "157c10a1cf1a584c833e16251281434f60ecb73ec5af6e8aa22384dd5f309c90"],
  pair: [1, "4fa1025f152a6cb0df9a1a826d0b658e9a1b758390cf8e1b89ba871d9a065666"],
  train: [1, "371b23423b7a21cc816f7a30b81ab3dbe9c7819ab841943ff18e60ca0e190fb6"],
  evaluate: [2, "e9b3d4b67ebcd03331d7bdc3cad14364ef38e8174b8c3b3e301283b205f0bd3a"],
  promote: [1, "0b57daf670836b6a3565193c3b106642d1c3a05698c72b1adaa4f6e3b28e96e0"],
};

function addressOfStage(stage: StageName): string {
  const input = { stage, place: { iteration: 3, take: 1 }, campaign: { campaignId: "golden" } };
  const context = { input, place: "it-0003.1" } as unknown as StageContext;
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
    stageKey({ input: { stage: "train", place: { iteration: 1, take: 1 }, epoch, campaign: { campaignId } }, place: "it-0001.1" } as unknown as StageContext, { a: 1 });
  assert.equal(key("one", 1).replace("/one/", "/two/"), key("two", 9));
});

it("the seed of a completion has not moved", () => {
  assert.equal(completionSeed(7, "it-0003.1", "online-00001", 2), "128d199ec01399f1");
});
