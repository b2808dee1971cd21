// A row of the ledger in one line.
import { showAmended } from "../campaign/spec/amend.ts";
import { placeName } from "../campaign/ids.ts";
import type { EvaluateMetrics, LedgerEvent } from "../campaign/types.ts";
import { fixed, interval, judgeName } from "./digits.ts";

/** One ledger row. `test`: metrics of that place's evaluation on the test split. */
export function eventLine(event: LedgerEvent, test?: EvaluateMetrics): string {
  switch (event.type) {
    case "created":
      return `created with spec ${event.specDigest.slice(0, 12)}`;
    case "opened":
      return `opened on ${event.server}, namespace ${event.namespace}`;
    case "bootstrap-finished":
      return `bootstrap finished${measured(test)}`;
    case "iteration-finished":
      return `${placeName(event)} finished, ${event.decision}${measured(test)}`;
    case "baseline-finished":
      return `baseline ${event.name} finished${measured(test)}`;
    case "paused":
      return `${pauseText(event)} by ${event.by}${event.why ? `: ${event.why}` : ""}`;
    case "resumed":
    case "cancelled":
    case "reopened":
    case "moved":
    case "repaired":
    case "erased":
      return `${event.type} by ${event.by}${event.why ? `: ${event.why}` : ""}`;
    case "amended":
      return `amended: ${showAmended(event)}`;
    case "rolled-back": {
      const { latest, next } = event.restored;
      return (
        `rolled back to iteration ${latest.iteration} by ${event.by}${event.why ? `: ${event.why}` : ""}; ` +
        `next is ${placeName(next)}`
      );
    }
    case "labels-withdrawn": {
      const count = event.labels.reduce((sum, { names }) => sum + names.length, 0);
      return `${count} labels of ${event.labeler} withdrawn by ${event.by}: ${event.why}`;
    }
    case "failed":
      return `failed: ${event.code}: ${event.message}`;
    case "completed":
      return `completed: promoted ${event.promoted.slice(0, 12)}`;
  }
}

function pauseText({ at, after }: LedgerEvent & { type: "paused" }): string {
  if (after !== undefined) return `a pause after iteration ${after} asked`;
  return at === "shard" ? "paused after the running shards" : "paused";
}

function measured(test: EvaluateMetrics | undefined): string {
  if (!test) return "";
  const { winRate, lengthControlled, judgedBy } = test;
  const controlled = lengthControlled ? `, length-controlled ${interval(lengthControlled)}` : "";
  const win = winRate ? `win rate ${interval(winRate)} by ${judgeName(judgedBy)}${controlled}, ` : "";
  return `: ${win}proxy ${fixed(test.proxy, 2)}, ${fixed(test.length, 1)} tokens, KL ${fixed(test.kl, 2)}`;
}
