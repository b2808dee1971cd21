// Every id and address of a campaign is made and parsed here, nowhere else.
// Grammar: <campaign>[/<place>[/<stage>[/<shard>]]], place = <iteration>[.<take>] | base-<name>.
import type { Place, StageName } from "./types.ts";

export const CAMPAIGN_ID = /^[a-z0-9][a-z0-9._-]{0,62}$/;
const BASELINE_NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

export const isCampaignId = (id: string): boolean => CAMPAIGN_ID.test(id);
export const isBaselineName = (name: string): boolean => BASELINE_NAME.test(name);

/** `it-0003.1`, `base-offline.1`: the folder of a place in the store and the tail of its workflow id. */
export function placeName(place: Place): string {
  return "baseline" in place
    ? `base-${place.baseline}.${place.take}`
    : `it-${String(place.iteration).padStart(4, "0")}.${place.take}`;
}

export const campaignWorkflowId = (campaignId: string): string => `ratchet:${campaignId}`;
export const placeWorkflowId = (campaignId: string, place: Place): string =>
  `ratchet:${campaignId}/${placeName(place)}`;

/** Task queue names: `ratchet` runs workflows, `ratchet-<name>` runs activities. */
export const WORKFLOW_QUEUE = "ratchet";
export const activityQueue = (name: string): string => `ratchet-${name}`;

/** What Temporal lists a worker as: `4711@host 0.1.0+43e58be5f2c1`. */
export const identityOf = (pid: number, host: string, build: string): string => `${pid}@${host} ${build}`;
/** Undefined where the identity is not that of a worker of ours. */
export const buildOf = (identity: string): string | undefined => /^\d+@\S* (\S+)$/.exec(identity)?.[1];

/** Search attributes of campaigns and the types that Temporal gives them; nothing may need them, a namespace may not have them. */
export const SEARCH_ATTRIBUTES = {
  RatchetCampaign: "KEYWORD",
  RatchetPhase: "KEYWORD",
  RatchetIteration: "INT",
} as const;

export interface Address {
  campaignId: string;
  iteration?: number;
  take?: number;
  baseline?: string;
  stage?: StageName;
  shard?: number;
}

const ADDRESS =
  /^(?<campaign>[^/]+)(?:\/(?:(?:it-)?(?<iteration>\d+)|base-(?<baseline>[a-z0-9-]+))(?:\.(?<take>\d+))?(?:\/(?<stage>sft|reward|generate|score|pair|train|evaluate|promote)(?:\/(?<shard>\d+))?)?)?$/;

/** Undefined where the text is no address. */
export function parseAddress(text: string): Address | undefined {
  const groups = ADDRESS.exec(text)?.groups;
  if (!groups || !groups["campaign"] || !isCampaignId(groups["campaign"])) return undefined;
  const number = (name: string) => (groups[name] === undefined ? {} : { [name]: Number(groups[name]) });
  return {
    campaignId: groups["campaign"],
    ...number("iteration"),
    ...number("take"),
    ...(groups["baseline"] ? { baseline: groups["baseline"] } : {}),
    ...(groups["stage"] ? { stage: groups["stage"] as StageName } : {}),
    ...number("shard"),
  };
}

// ---------------------------------------------------------------- keys in the store

export const resultsPrefix = (campaignId: string): string => `campaigns/${campaignId}/results/`;
export const resultKey = (campaignId: string, place: Place, stage: string, address: string): string =>
  `${resultsPrefix(campaignId)}${placeName(place)}/${stage}/${address}.json`;
/** Where the successor of a manifest lies that was set aside `repair` times: `….json`, `…~1.json`, `…~2.json`. */
export const successorKey = (key: string, repair: number): string =>
  repair === 0 ? key : key.replace(/\.json$/, `~${repair}.json`);
/** The key that a successor's key was made from, and its number. */
export function originalKey(key: string): { key: string; repair: number } {
  const [, stem, repair] = /^(.*)~(\d+)\.json$/.exec(key) ?? [];
  return stem === undefined ? { key, repair: 0 } : { key: `${stem}.json`, repair: Number(repair) };
}
/** What makes going on cheaper, and is needed for nothing else. */
export const workPrefix = (campaignId: string): string => `campaigns/${campaignId}/work/`;
/** Checkpoints in the making: `work/<place>/<stage>/<address>/step-<8 digits>.json`. */
export const checkpointsPrefix = (campaignId: string, place: Place, stage: string, address: string): string =>
  `${workPrefix(campaignId)}${placeName(place)}/${stage}/${address}/`;
/** Log-probabilities under a reference; of the campaign and no place, since several may need the same. */
export const referencesPrefix = (campaignId: string): string => `${workPrefix(campaignId)}reference/`;
export const referenceKey = (campaignId: string, address: string): string =>
  `${referencesPrefix(campaignId)}${address}.json`;
