// The first activity of a firing: makes the campaign's id out of the scheduled time and writes the first row
// of its ledger, as `start` does. It does not change a campaign that somebody else has created.
import { foldLedger } from "../campaign/rules.ts";
import { scheduledId } from "../campaign/schedule.ts";
import type { LedgerEvent, LedgerRow } from "../campaign/types.ts";
import { RatchetError } from "../errors/index.ts";
import { decideStart } from "../start/decide-start.ts";
import { writeFirstRow } from "../start/first-row.ts";
import { refusal } from "../start/refusal.ts";
import { refuseOtherStore } from "./attempt/context.ts";
import type { Deps } from "./deps.ts";
import type { FiringBegun, FiringInput } from "./firing-contract.ts";

export async function beginFiring(deps: Deps, firing: FiringInput): Promise<FiringBegun> {
  const { store, server, namespace, searchAttributes } = deps;
  const { schedule, at, id, timeZone, specDigest, storeName, name, sources } = firing;
  const campaignId = scheduledId(id, new Date(at), timeZone);
  refuseOtherStore(deps, { campaignId, specDigest, storeName });
  // The same schedule and time is the same firing: of a backfill, or after the server lost its database.
  const by = `schedule:${schedule}@${at}`;
  const first = await writeFirstRow(store, { campaignId, name, specDigest, sources, by });
  if (first.by !== by)
    throw new RatchetError(
      "campaign_exists",
      `schedule ${schedule} makes ${campaignId} at ${at}, and ${first.by} has made it at ${first.at}`,
      { hint: "it was not touched; give the schedule another --campaign-id" },
    );
  const rows = (await store.ledger(campaignId).read<LedgerEvent>()) as LedgerRow[];
  const record = foldLedger(campaignId, rows);
  // An operator may have amended it since its first firing.
  const isOwn = record.specs[0]?.specDigest === specDigest;
  const given = isOwn ? record.specDigest : specDigest;
  const request = { specDigest: given, server, namespace, takeOver: false, resume: false };
  const decision = decideStart(record, false, request);
  if (decision.action === "refuse")
    throw await refusal(
      store,
      { record, rows },
      { ...decision, specDigest, here: `this server (${server})` },
    );
  return { campaignId, searchAttributes };
}
