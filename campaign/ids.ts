// Every id and address of a campaign is made and parsed here, nowhere else.
// Grammar: <campaign>[/<place>[/<stage>]], place = <iteration>[.<take>] | base-<name>.
import type { Digest, Place, StageName } from "./types.ts";

export const CAMPAIGN_ID = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const BASELINE_NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

/** Names of places sort by their four digits. */
export const ITERATIONS_MAX = 9999;

export const isCampaignId = (id: string): boolean => CAMPAIGN_ID.test(id);

/** `it-0003.1`, `base-offline.1`: a place's folder in the store and the end of its workflow id. */
export function placeName(place: Place): string {
  return "baseline" in place
    ? `base-${place.baseline}.${place.take}`
    : `it-${String(place.iteration).padStart(4, "0")}.${place.take}`;
}

/** As a command takes it: `shop/3`, `shop/3.2`, `shop/base-offline`. */
export const placeAddress = (campaignId: string, place: Place): string =>
  "baseline" in place
    ? `${campaignId}/base-${place.baseline}`
    : `${campaignId}/${place.iteration}${place.take === 1 ? "" : `.${place.take}`}`;

/** Of an iteration's place name; undefined for a baseline's. */
export function iterationOf(name: string): { iteration: number; take: number } | undefined {
  const [, iteration, take] = /^it-(\d+)\.(\d+)$/.exec(name) ?? [];
  return iteration === undefined ? undefined : { iteration: Number(iteration), take: Number(take) };
}

export const campaignWorkflowId = (campaignId: string): string => `ratchet:${campaignId}`;
export const placeWorkflowId = (campaignId: string, place: Place): string =>
  `ratchet:${campaignId}/${placeName(place)}`;

/** Temporal's id of a schedule. `schedule` has the form of a campaign id. */
export const temporalScheduleId = (schedule: string): string => `ratchet:${schedule}`;
/** Undefined for a schedule of other programs in the namespace. */
export function scheduleOf(temporalId: string): string | undefined {
  const [, schedule = ""] = /^ratchet:(.*)$/.exec(temporalId) ?? [];
  return isCampaignId(schedule) ? schedule : undefined;
}
/**
 * Workflow id of a schedule's firings. The server appends the scheduled time:
 * `ratchet-firing:nightly-2026-12-01T01:00:00Z`.
 */
export const firingWorkflowId = (schedule: string): string => `ratchet-firing:${schedule}`;

/** Task queue names: `ratchet` runs workflows, `ratchet-<name>` runs activities. */
export const WORKFLOW_QUEUE = "ratchet";
export const activityQueue = (name: string): string => `ratchet-${name}`;

/** Temporal lists a worker by this name: `4711@host 0.1.0+43e58be5f2c1`. */
export const identityOf = (pid: number, host: string, build: string): string => `${pid}@${host} ${build}`;
/** Undefined if the identity is not a Ratchet worker's. */
export const buildOf = (identity: string): string | undefined => /^\d+@\S* (\S+)$/.exec(identity)?.[1];

/**
 * Search attributes of campaigns, with Temporal's types. A namespace may lack them, so no code may need them.
 */
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
}

const PLACE = String.raw`(?:(?:it-)?(?<iteration>\d+)|base-(?<baseline>[a-z0-9-]+))(?:\.(?<take>\d+))?`;
const STAGE =
  "(?<stage>sft|reward|generate|score|label|audit|refit|pair|train|answer|reference|judge|evaluate|promote)";
const ADDRESS = new RegExp(`^(?<campaign>[^/]+)(?:/${PLACE}(?:/${STAGE})?)?$`);

/** Undefined if the text is no address. */
export function parseAddress(text: string): Address | undefined {
  const groups = ADDRESS.exec(text)?.groups;
  if (!groups?.["campaign"] || !isCampaignId(groups["campaign"])) return undefined;
  const { campaign: campaignId = "", iteration, take, baseline, stage } = groups;
  return {
    campaignId,
    iteration: iteration === undefined ? undefined : Number(iteration),
    take: take === undefined ? undefined : Number(take),
    baseline,
    stage: stage as StageName | undefined,
  };
}

// ---------------------------------------------------------------- keys in the store

export const resultsPrefix = (campaignId: string): string => `campaigns/${campaignId}/results/`;
export const resultKey = (campaignId: string, place: Place, stage: string, address: string): string =>
  `${resultsPrefix(campaignId)}${placeName(place)}/${stage}/${address}.json`;
/** Key of the manifest that replaces one set aside `repair` times: `….json`, `…~1.json`, `…~2.json`. */
export const successorKey = (key: string, repair: number): string =>
  repair === 0 ? key : key.replace(/\.json$/, `~${repair}.json`);
/** The inverse of `successorKey`. */
export function originalKey(key: string): { key: string; repair: number } {
  const [, stem, repair] = /^(.*)~(\d+)\.json$/.exec(key) ?? [];
  return stem === undefined ? { key, repair: 0 } : { key: `${stem}.json`, repair: Number(repair) };
}

/** False for a manifest that a repair set aside: its newest successor counts in its place. */
export function isCurrent(key: string, repairs: ReadonlyMap<string, number>): boolean {
  const original = originalKey(key);
  return key.endsWith(".json") && original.repair === (repairs.get(original.key) ?? 0);
}
/** Work in progress: makes resuming cheaper and is needed for nothing else. */
export const workPrefix = (campaignId: string): string => `campaigns/${campaignId}/work/`;
/** Checkpoints of a training in progress: `work/<place>/<stage>/<address>/step-<8 digits>.json`. */
export const checkpointsPrefix = (campaignId: string, place: Place, stage: string, address: string): string =>
  `${workPrefix(campaignId)}${placeName(place)}/${stage}/${address}/`;
/**
 * Log-probabilities under the reference model; kept by campaign, because several places may need the same.
 */
export const referencesPrefix = (campaignId: string): string => `${workPrefix(campaignId)}reference/`;
export const referenceKey = (campaignId: string, address: string): string =>
  `${referencesPrefix(campaignId)}${address}.json`;

// ---------------------------------------------------------------- labels

/** Folder of the questionnaires of a place, and of their seals. */
export const questionnairesPrefix = (campaignId: string, place: string): string =>
  `${resultsPrefix(campaignId)}${place}/label/`;
/** The seal of a questionnaire: one key, so that the first seal wins. */
export const sealKey = (campaignId: string, place: string, questionnaire: Digest): string =>
  `${questionnairesPrefix(campaignId, place)}seal-${questionnaire}.json`;
export const labelsPrefix = (campaignId: string): string => `campaigns/${campaignId}/labels/`;
/** Folder of the labels of one questionnaire. */
export const labelsOf = (campaignId: string, place: string, questionnaire: Digest): string =>
  `${labelsPrefix(campaignId)}${place}/${questionnaire}/`;

/** Where a label is among those of its questionnaire. */
export interface LabelAt {
  comparison: number;
  /** A slot of the comparison, or the pseudonym of a labeler who found all slots taken. */
  slot: number | { extra: string };
  revision: number;
}

/** `000012/0.1.json`, `000012/extra-ada.0.json`. */
export function labelName({ comparison, slot, revision }: LabelAt): string {
  const owner = typeof slot === "number" ? String(slot) : `extra-${slot.extra}`;
  return `${comparisonFolder(comparison)}${owner}.${revision}.json`;
}

export const comparisonFolder = (comparison: number): string => `${String(comparison).padStart(6, "0")}/`;

/** Undefined for a file that is no label. `name`: below the folder of the questionnaire. */
export function parseLabelName(name: string): LabelAt | undefined {
  const found = /^(\d{6,})\/(?:(\d+)|extra-([A-Za-z0-9][\w-]*))\.(\d+)\.json$/.exec(name);
  if (!found) return undefined;
  const [, comparison, slot, extra = "", revision] = found;
  const at: LabelAt = {
    comparison: Number(comparison),
    slot: slot === undefined ? { extra } : Number(slot),
    revision: Number(revision),
  };
  return labelName(at) === name ? at : undefined;
}
