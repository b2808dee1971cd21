// `repair`: makes damaged or missing artifacts again if what they were made from is whole. A row of the
// ledger sets aside the manifests that are damaged or whose own blobs are. Then their places run once more,
// adopt everything else, and must end in the digests that the ledger names. Nothing is overwritten and no
// decision changes. (docs/store.md, "Damage")
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { activityQueue, labelsPrefix, WORKFLOW_QUEUE } from "../../campaign/ids.ts";
import { namesIn } from "../../campaign/names.ts";
import type { CampaignRecord, Digest, LedgerEvent } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { hasEnded } from "../follow/outcome.ts";
import { finishedPlaces } from "../record/places.ts";
import { requireCampaign } from "../record/record.ts";
import type { VerifyProblem } from "./blob-checker.ts";
import { damagedOf, findDamage } from "./damage.ts";
import type { Damage } from "./damage.ts";
import { digestsBelow } from "../../start/documents.ts";
import { runAgain } from "./run-again.ts";
import { unrepairable } from "./unrepairable.ts";
import { verifyCampaign } from "./verify.ts";

export interface RepairOptions {
  by: string;
  why: string;
  /** The same id is recorded once. */
  requestId: string;
  onPlace?: (place: string) => void;
}

export interface Repair {
  campaignId: string;
  /** What was damaged or missing. */
  problems: VerifyProblem[];
  /** Keys of the manifests that were set aside. */
  setAside: string[];
  /** Results written again from their sound manifests. */
  rewritten: Digest[];
  /**
   * Keys of deleted manifests of work in progress: checkpoints of unfinished training, which then resumes
   * from the one before, and references, which are computed again. Also damaged labels that no seal lists,
   * which can be given again.
   */
  dropped: string[];
  /** Places that ran again. */
  places: string[];
}

export async function repairCampaign(
  store: Store,
  gateway: Gateway,
  campaignId: string,
  options: RepairOptions,
): Promise<Repair> {
  const { problems } = await verifyCampaign(store, campaignId, { campaignOnly: true });
  if (problems.length === 0)
    return { campaignId, problems, setAside: [], rewritten: [], dropped: [], places: [] };
  refuseBroken(campaignId, problems);
  const { record, rows } = await requireCampaign(store, campaignId);
  const specs = await givenWhole(store, record, problems);

  const lost = lostLabels(campaignId, problems);
  const damage = await findDamage(store, campaignId, rows, problems);
  const dropped = [...damage.checkpoints, ...lost];
  const places = finishedPlaces(record).filter(({ name }) => damage.places.has(name));
  const unfinished = [...damage.places].filter((name) => !places.some((place) => place.name === name));
  refuseRunning(record, unfinished);
  if (places.length > 0) await requireWorkers(gateway);

  await recordRepair(store, record, damage, options);
  const rewritten = await Promise.all(damage.results.map((result) => store.putJson(result)));
  for (const key of dropped) await store.backend.delete(key);
  for (const place of places) {
    options.onPlace?.(place.name);
    await runAgain(gateway, { store, record, rows, specs }, place);
  }
  await refuseLeft(store, campaignId, unfinished);
  return {
    campaignId,
    problems,
    setAside: damage.manifests,
    rewritten,
    dropped,
    places: places.map(({ name }) => name),
  };
}

/** A row before an act. */
async function recordRepair(
  store: Store,
  { campaignId, epoch }: CampaignRecord,
  { manifests }: Damage,
  { by, why, requestId }: RepairOptions,
): Promise<void> {
  if (manifests.length === 0) return;
  const event: LedgerEvent = { type: "repaired", manifests, by, why };
  await store.ledger(campaignId).append({ id: `repaired:${requestId}`, epoch, event, by });
}

function refuseBroken(campaignId: string, problems: VerifyProblem[]): void {
  const broken = problems.find(({ code }) => code === "ledger_broken");
  if (broken)
    throw unrepairable(campaignId, `${broken.message}; a decision cannot be computed again`, {
      problems: problems.length,
      hint: "restore the row's object from a backup",
    });
}

/**
 * Damaged labels that no seal lists: without them their slots are free again. Throws unrepairable for one
 * that a seal lists, because a person gave it.
 */
function lostLabels(campaignId: string, problems: readonly VerifyProblem[]): string[] {
  const labels = problems.filter(({ what }) => what.startsWith(labelsPrefix(campaignId)));
  const counted = labels.find(({ namedBy }) => namedBy !== undefined);
  if (counted)
    throw unrepairable(campaignId, `${counted.message}; ${counted.namedBy} lists it`, {
      problems: problems.length,
      hint: "restore the label's object from a backup",
    });
  return labels.map(({ what }) => what);
}

/** The author's files are not made from anything in the store. */
async function givenWhole(
  store: Store,
  record: CampaignRecord,
  problems: VerifyProblem[],
): Promise<ReadonlyMap<Digest, CompiledSpec>> {
  const { campaignId } = record;
  const damaged = damagedOf(problems);
  const details = {
    problems: problems.length,
    hint: "`ratchet start` with its campaign file uploads what the file names again; then repair",
  };
  const specs = new Map<Digest, CompiledSpec>();
  for (const { specDigest } of record.specs) {
    if (damaged.has(specDigest))
      throw unrepairable(campaignId, `its spec ${specDigest} is damaged or gone`, details);
    const spec = await store.getJson<CompiledSpec>(specDigest);
    for (const digest of await digestsBelow(store, namesIn(spec), damaged))
      if (damaged.has(digest))
        throw unrepairable(campaignId, `${digest}, which its author gave, is damaged or gone`, details);
    specs.set(specDigest, spec);
  }
  return specs;
}

/** `unfinished`: damaged places. Their campaign may be computing them now. */
function refuseRunning(record: CampaignRecord, unfinished: string[]): void {
  if (unfinished.length === 0 || hasEnded(record)) return;
  throw new RatchetError(
    "campaign_open",
    `${record.campaignId} is ${record.status}, and ${unfinished.join(", ")} is being made`,
    { hint: "wait until it ends or cancel it, then repair, then start it again" },
  );
}

/** Damage to unfinished places may be left: the next `start` makes them. */
async function refuseLeft(store: Store, campaignId: string, unfinished: string[]): Promise<void> {
  const { problems } = await verifyCampaign(store, campaignId, { campaignOnly: true });
  const left = problems.filter(
    ({ what, namedBy }) => !unfinished.some((name) => `${what} ${namedBy}`.includes(`/${name}/`)),
  );
  if (left.length > 0) throw unrepairable(campaignId, left[0]?.message ?? "", { problems: left.length });
}

async function requireWorkers(gateway: Gateway): Promise<void> {
  for (const queue of [WORKFLOW_QUEUE, activityQueue("control")]) {
    if ((await gateway.pollers(queue)).length === 0)
      throw new RatchetError("no_worker", `nothing is repaired: no worker polls ${queue}`, {
        hint: "start one: ratchet worker",
      });
  }
}
