// `history`: every finished place of a campaign with its numbers and the work that they took, and the ledger.
// docs/cli.md documents the shape, which is stable.
import type { ApiCost } from "../../campaign/labeling/types.ts";
import type {
  Agreement,
  AuditResult,
  CampaignRecord,
  Decision,
  Digest,
  EvaluateMetrics,
  EvaluateResult,
  LedgerRow,
  Manifest,
  PairReport,
  PairResult,
  PromoteResult,
  StageDigests,
  TrainResult,
} from "../../campaign/types.ts";
import { repairsOf } from "../../campaign/rules.ts";
import { specAt } from "../../campaign/specs-in-force.ts";
import type { Store } from "../../store/types.ts";
import { finishedPlaces } from "./places.ts";
import type { FinishedPlace } from "./places.ts";
import { requireCampaign } from "./record.ts";
import { environmentsOf, readManifests, stageWork } from "./work.ts";
import type { Environment, StageWork } from "./work.ts";
import { readWithdrawals } from "./withdrawals.ts";
import type { Withdrawal } from "./withdrawals.ts";

export interface CampaignHistory {
  campaign: Pick<
    CampaignRecord,
    "campaignId" | "name" | "specDigest" | "status" | "epoch" | "latest" | "promoted" | "failure"
  >;
  places: PlaceHistory[];
  /** Labels that the ledger withdraws, with the places that were trained on them. */
  withdrawals: Withdrawal[];
  ledger: LedgerRow[];
}

export interface PlaceHistory {
  /** `it-0003.1`, `base-offline.1` */
  place: string;
  /** The spec that held there. */
  specDigest: Digest;
  /** Tree digest of the checkpoint. */
  policy: Digest;
  /** SHA-256 of model.safetensors; absent if nothing was trained. */
  weights?: Digest;
  decision?: Decision;
  /** A rollback has left it behind. */
  superseded?: true;
  /** Why: what the result of `promote` says of the judge's comparisons. */
  promotion?: Pick<PromoteResult, "winRate" | "lengthControlled" | "evidence" | "labels" | "reason" | "also">;
  pairs?: number;
  /** Mean score gap of the pairs. */
  margin?: number;
  pairing?: PairReport;
  /** How often the scores agree with the labels of the place's audit part. */
  audit?: Agreement;
  /** What the API labelers of its questionnaire were asked, and what it cost. */
  api?: ApiCost[];
  steps?: number;
  /** Last training loss. */
  loss?: number;
  validation?: EvaluateMetrics;
  test?: EvaluateMetrics;
  finishedAt?: string;
  /** Result digests, by stage. */
  stages: StageDigests;
  work: Record<string, StageWork>;
  environments: Environment[];
}

export async function readHistory(store: Store, campaignId: string): Promise<CampaignHistory> {
  const { record, rows } = await requireCampaign(store, campaignId);
  const places: PlaceHistory[] = [];
  for (const place of finishedPlaces(record))
    places.push({
      ...(await readPlace(store, campaignId, place, repairsOf(rows))),
      specDigest: specAt(record.specs, place.place).specDigest,
    });
  const { name, specDigest, status, epoch, latest, promoted, failure } = record;
  return {
    campaign: { campaignId, name, specDigest, status, epoch, latest, promoted, failure },
    places,
    withdrawals: await readWithdrawals(store, record, rows),
    ledger: rows,
  };
}

async function readPlace(
  store: Store,
  campaignId: string,
  { name, policy, decision, superseded, stages }: FinishedPlace,
  repairs: ReadonlyMap<string, number>,
): Promise<Omit<PlaceHistory, "specDigest">> {
  const manifests = await readManifests(store, campaignId, name, repairs);
  const work = Object.fromEntries([...manifests].map(([stage, found]) => [stage, stageWork(found)]));
  const result = async <R>(digest: Digest | undefined): Promise<R | undefined> =>
    digest ? store.getJson<R>(digest) : undefined;

  const train = await result<TrainResult>(stages.train ?? stages.sft);
  const pair = await result<PairResult>(stages.pair);
  const audit = await result<AuditResult>(stages.audit);
  const promote = await result<PromoteResult>(stages.promote);
  const validation = await result<EvaluateResult>(stages.validation);
  const test = await result<EvaluateResult>(stages.test);
  return defined({
    place: name,
    policy,
    weights: train?.weights,
    decision,
    superseded,
    promotion: promote && promotionOf(promote),
    pairs: pair?.report.pairs,
    margin: pair?.report.margin.mean,
    pairing: pair?.report,
    audit: audit?.agreement,
    api: apiCostsOf(manifests.get("label") ?? []),
    steps: train?.steps,
    loss: train?.metrics["loss"],
    validation: validation?.metrics,
    test: test?.metrics,
    finishedAt: lastOf(Object.values(work).map(({ finishedAt }) => finishedAt)),
    stages,
    work,
    environments: environmentsOf([...manifests.values()].flat()),
  });
}

const lastOf = (times: readonly string[]): string | undefined => times.toSorted().at(-1);

/** A fact of the seal. */
const apiCostsOf = (label: readonly Manifest[]): ApiCost[] | undefined =>
  label.map(({ facts }) => (facts as { api?: ApiCost[] }).api).find((costs) => costs !== undefined);

const promotionOf = ({ winRate, lengthControlled, evidence, labels, reason, also }: PromoteResult) =>
  defined<NonNullable<PlaceHistory["promotion"]>>({
    winRate,
    lengthControlled,
    evidence,
    labels,
    reason,
    also,
  });

/** Leaves undefined members out, so that an object has the members of its JSON. */
function defined<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
