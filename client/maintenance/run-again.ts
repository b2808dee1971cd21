// Runs the workflow of a finished place once more, with the inputs that it had, and compares its results with
// the ledger.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { placeWorkflowId } from "../../campaign/ids.ts";
import { planOf } from "../../campaign/spec/plan.ts";
import { foldLedger } from "../../campaign/rules.ts";
import { specAt } from "../../campaign/specs-in-force.ts";
import type {
  CampaignRecord,
  Digest,
  IterationStart,
  LedgerEvent,
  LedgerRow,
  Place,
} from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway, PlaceWorkflow } from "../../temporal/gateway.ts";
import type { FinishedPlace } from "../record/places.ts";
import { unrepairable } from "./unrepairable.ts";

interface RecordedCampaign {
  store: Store;
  record: CampaignRecord;
  rows: LedgerRow[];
  /** All of the ledger's, by digest. */
  specs: ReadonlyMap<Digest, CompiledSpec>;
}

interface Outcome {
  policy?: Digest;
  bootstrap?: { policy: Digest };
  stages: Record<string, Digest>;
}

/** Throws `unrepairable` if the results differ from those that the ledger names. */
export async function runAgain(
  gateway: Gateway,
  campaign: RecordedCampaign,
  { place, name, policy, stages }: FinishedPlace,
): Promise<void> {
  const { campaignId, epoch, specs } = campaign.record;
  const { specDigest } = specAt(specs, place);
  const spec = campaign.specs.get(specDigest)!;
  const [type, own] = inputOf(campaign, spec, place);
  const input = {
    campaign: { campaignId, specDigest, storeName: campaign.store.name },
    epoch,
    place,
    plan: planOf(spec),
    ...own,
  };
  const summary = `${campaignId} ${name}, repair`;
  const outcome = await gateway
    .runPlace<Outcome>(placeWorkflowId(campaignId, place), type, input, summary)
    .catch((cause: unknown) => {
      if ((cause as { kind?: string }).kind !== "artifact") throw cause;
      const why = `${name} cannot be made again: ${(cause as Error).message}`;
      throw unrepairable(campaignId, why, { cause });
    });
  const made = { policy: outcome.policy ?? outcome.bootstrap?.policy, ...outcome.stages };
  const recorded: Record<string, Digest> = { policy, ...(stages as Record<string, Digest>) };
  const differs = Object.entries(recorded).find(
    ([stage, digest]) => (made as Record<string, Digest | undefined>)[stage] !== digest,
  );
  if (!differs) return;
  throw unrepairable(
    campaignId,
    `${name} was made again, and its ${differs[0]} has other bytes than the ledger names`,
    { hint: "same bits need the CPU type and versions that its facts name" },
  );
}

/**
 * The workflow of a place and the part of its input that only this kind of place has, from the rows before
 * its own.
 */
function inputOf(
  { record, rows }: RecordedCampaign,
  spec: CompiledSpec,
  place: Place,
): [PlaceWorkflow, object] {
  const { campaignId, bootstrap } = record;
  if ("baseline" in place) {
    const baseline = planOf(spec).baselines.find(({ name }) => name === place.baseline);
    return ["baseline", { baseline, bootstrap }];
  }
  if (place.iteration === 0) return ["bootstrap", { given: spec.policy.tree }];
  const isOwn = (event: LedgerEvent): boolean =>
    event.type === "iteration-finished" && event.iteration === place.iteration && event.take === place.take;
  const before = rows.slice(
    0,
    rows.findIndex(({ event }) => isOwn(event)),
  );
  const { latest, promoted, earlier } = foldLedger(campaignId, before);
  const own: Record<keyof IterationStart, unknown> = { bootstrap, latest, promoted, earlier };
  return ["iteration", own];
}
