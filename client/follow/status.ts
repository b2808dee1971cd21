// `status` of one campaign: decisions from the ledger, running work from Temporal.
import { planOf } from "../../campaign/spec/plan.ts";
import { currentPlace } from "../../campaign/rules.ts";
import type { CampaignRecord, CampaignStatus, Digest, LedgerEvent } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { observe } from "./observe.ts";
import type { Observation } from "./observe.ts";
import { readSpec, readSpecAt, requireCampaign } from "../record/record.ts";
import { waitingForPeople } from "../record/waiting-labels.ts";
import type { WaitingForPeople } from "../record/waiting-labels.ts";
import { newestTakes } from "../record/table.ts";

type AmendedEvent = Extract<LedgerEvent, { type: "amended" }>;

export interface CampaignSummary {
  campaignId: string;
  name: string;
  status: CampaignStatus;
  /** Newest finished iteration: 0 = bootstrap, -1 = none yet. */
  finished: number;
  iterations: number;
  epoch: number;
  latest?: Digest;
  promoted?: { iteration: number; policy: Digest };
  baselines: string[];
  createdAt: string;
  updatedAt: string;
  failure?: { code: string; message: string };
}

export interface StatusView extends CampaignSummary {
  specDigest: Digest;
  /** Amendments of the spec, in the order of the ledger; absent without any. */
  amendments?: Omit<AmendedEvent, "type">[];
  /** Present if it will be paused when an iteration has finished. */
  pausing?: { after: number };
  server?: string;
  namespace?: string;
  /** Present while the campaign waits for people's labels. */
  labels?: WaitingForPeople;
  /** Absent without a gateway. */
  live?: Observation;
}

export async function readStatus(
  store: Store,
  gateway: Gateway | undefined,
  campaignId: string,
): Promise<StatusView> {
  const { record, rows } = await requireCampaign(store, campaignId);
  const spec = await readSpec(store, record);
  const atWork = await readSpecAt(store, record, currentPlace(record));
  const { specDigest, pausing, server, namespace } = record;
  const amendments = rows.flatMap(({ event }) => {
    if (event.type !== "amended") return [];
    const { type: _type, ...amendment } = event;
    return [amendment];
  });
  return {
    ...summary(record, spec.iterations, rows),
    specDigest,
    ...(amendments.length > 0 ? { amendments } : {}),
    ...(pausing ? { pausing } : {}),
    server,
    namespace,
    labels: await waitingForPeople(store, atWork, record, rows),
    live: gateway && (await observe(gateway, campaignId, planOf(spec))),
  };
}

export function summary(record: CampaignRecord, iterations: number, rows: { at: string }[]): CampaignSummary {
  const { campaignId, name, status, epoch, latest, promoted, failure } = record;
  return {
    campaignId,
    name,
    status,
    finished: newestTakes(record).at(-1)?.iteration ?? -1,
    iterations,
    epoch,
    latest: latest?.policy,
    promoted: promoted && { iteration: promoted.iteration, policy: promoted.policy },
    baselines: Object.keys(record.baselines),
    createdAt: rows[0]?.at ?? "",
    updatedAt: rows.at(-1)?.at ?? "",
    failure,
  };
}
