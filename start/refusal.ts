// Why a campaign is not started, with what to do.
import { differences, showDifference } from "../campaign/spec/differences.ts";
import type { CampaignRecord, Digest } from "../campaign/types.ts";
import { RatchetError } from "../errors/index.ts";
import type { Store } from "../store/types.ts";
import type { StartDecision } from "./decide-start.ts";

/** Differences of two specs in an error message; `problems` holds all. */
const SHOWN_MAX = 8;

interface Refused extends Pick<StartDecision & { action: "refuse" }, "code"> {
  specDigest: Digest;
  here: string;
}

/** `here`: the server that was to run it, for people. */
export async function refusal(
  store: Store,
  record: CampaignRecord,
  { code, specDigest, here }: Refused,
): Promise<RatchetError> {
  const { campaignId, status, server, namespace } = record;
  switch (code) {
    case "campaign_differs":
      return anotherSpec(record, await store.getJson(record.specDigest), await store.getJson(specDigest));
    case "campaign_cancelled":
      return new RatchetError(code, `campaign ${campaignId} was cancelled`, {
        hint: "resume it: start with --resume",
      });
    case "campaign_moved":
      return new RatchetError(code, record.failure?.message ?? campaignId, {
        hint: "start it there: --store",
      });
    case "owned_elsewhere": {
      const owner = `another server (${server}, namespace ${namespace})`;
      return new RatchetError(code, `campaign ${campaignId} is ${status} on ${owner}, not on ${here}`, {
        hint: "if that server is gone for good: start with --take-over",
      });
    }
  }
}

function anotherSpec({ campaignId, status }: CampaignRecord, before: unknown, after: unknown): RatchetError {
  const found = differences(before, after);
  const shown = found.slice(0, SHOWN_MAX).map(showDifference);
  if (found.length > SHOWN_MAX) shown.push(`and ${found.length - SHOWN_MAX} more`);
  return new RatchetError(
    "campaign_differs",
    `campaign ${campaignId} (${status}) has another spec: ${shown.join("; ")}`,
    {
      hint: "start it under a new id with --id",
      problems: found.map((difference) => ({ path: difference.path, message: showDifference(difference) })),
    },
  );
}
