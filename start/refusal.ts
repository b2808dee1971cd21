// Why a campaign is not started, with what to do.
import type { Digest } from "../campaign/types.ts";
import { RatchetError } from "../errors/index.ts";
import type { Store } from "../store/types.ts";
import type { StartDecision } from "./decide-start.ts";
import { anotherSpec } from "./drift.ts";
import type { ReadLedger } from "./drift.ts";

interface Refused extends Pick<StartDecision & { action: "refuse" }, "code"> {
  specDigest: Digest;
  here: string;
}

/** `here`: the server that was to run it, for people. */
export async function refusal(
  store: Store,
  read: ReadLedger,
  { code, specDigest, here }: Refused,
): Promise<RatchetError> {
  const { campaignId, status, server, namespace, failure } = read.record;
  switch (code) {
    case "campaign_differs":
      return anotherSpec(store, read, specDigest);
    case "campaign_cancelled":
      return new RatchetError(code, `campaign ${campaignId} was cancelled`, {
        hint: "resume it: start with --resume",
      });
    case "campaign_moved":
      return new RatchetError(code, failure?.message ?? campaignId, {
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
