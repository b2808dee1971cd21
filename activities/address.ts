// Where a stage commits. An address is the SHA-256 of the RFC 8785 JSON of everything that a result depends
// on, without undefined members. An attempt that finds a manifest at its address adopts it.
import { resultKey, successorKey } from "../campaign/ids.ts";
import type { Digest, StageName } from "../campaign/types.ts";
import { canonicalDigest } from "../store/index.ts";
import type { StageContext } from "./attempt/context.ts";
import { STAGE_VERSION } from "./versions.ts";

export const addressOf = (inputs: object): Digest => canonicalDigest(inputs);

/** First members of every result, and part of its address. */
export const stamp = (context: StageContext): { stage: StageName; version: number; place: string } => ({
  stage: context.input.stage,
  version: STAGE_VERSION[context.input.stage],
  place: context.place,
});

/** Key of a stage's manifest: its address covers stage, version, place and everything in `inputs`. */
export function stageKey(context: StageContext, inputs: unknown): string {
  return keyOf(context, addressOf({ ...stamp(context), inputs }));
}

/** Key of the manifest of piece `index`. */
export function pieceKey(context: StageContext, index: number, inputs: unknown): string {
  const address = addressOf({ ...stamp(context), piece: index, inputs });
  return keyOf(context, `piece-${String(index).padStart(5, "0")}-${address}`);
}

/** If a repair has set a manifest aside, its result is computed again and committed beside it. */
function keyOf({ input: { campaign, place, stage }, repairs }: StageContext, name: string): string {
  const key = resultKey(campaign.campaignId, place, stage, name);
  return successorKey(key, repairs.get(key) ?? 0);
}
