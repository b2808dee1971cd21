// A repair makes a lost seal again: the one that the ledger names, although labels that are not marked late
// raced it, and although labels of it were withdrawn later. Its digest tells which labels it listed.
import { setImmediate } from "node:timers/promises";
import { iterationOf } from "../campaign/ids.ts";
import type { SealResult, SealRow, WithdrawnRow } from "../campaign/labeling/types.ts";
import { rowsOfBlob } from "../campaign/rows/json-lines.ts";
import { withdrawnLabels } from "../campaign/labeling/ledger-rules.ts";
import type { Digest, LedgerEvent } from "../campaign/types.ts";
import { canonicalDigest } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import type { Withdrawn } from "./decided.ts";
import type { Questionnaire } from "./questionnaires.ts";
import { rowsOf, sealOf, timelyLabels, withdrawnElsewhere } from "./seal-rows.ts";
import type { Listed, TimelyLabel } from "./seal-rows.ts";

export interface RecordedSeal {
  digest: Digest;
  /** Withdrawals that the seal may have known, the likeliest first. */
  withdrawn: Withdrawn[];
}

/** Undefined if the place has not finished, or has no labels. */
export function recordedSeal(
  rows: readonly { event: LedgerEvent }[],
  place: string,
): RecordedSeal | undefined {
  const at = iterationOf(place);
  const n = rows.findIndex(({ event }) =>
    event.type === "bootstrap-finished"
      ? at?.iteration === 0
      : event.type === "iteration-finished" && event.iteration === at?.iteration && event.take === at.take,
  );
  const event = rows[n]?.event;
  const digest = event && "stages" in event ? event.stages.label : undefined;
  if (digest === undefined) return undefined;
  // A row that was written before the place had finished may be older or newer than its seal.
  const ends = rows.slice(0, n).flatMap((row, i) => (row.event.type === "labels-withdrawn" ? [i] : []));
  return { digest, withdrawn: [n, ...ends.reverse()].map((end) => withdrawnLabels(rows.slice(0, end))) };
}

/** Undefined if no set of labels has the digest. */
export async function listedAgain(
  store: Store,
  questionnaire: Questionnaire,
  { digest, withdrawn }: RecordedSeal,
): Promise<Listed | undefined> {
  const isRecorded = (listed: Listed): boolean => canonicalDigest(sealOf(questionnaire, listed)) === digest;
  const stored = await storedRows(store, digest);
  if (stored && isRecorded(stored)) return stored;
  const labels = await timelyLabels(store, questionnaire);
  for (const known of withdrawn) {
    const elsewhere = withdrawnElsewhere(questionnaire, known);
    for (const some of setsOf(labels)) {
      const listed = { rows: rowsOf(questionnaire, some, known), withdrawn: elsewhere };
      if (isRecorded(listed)) return listed;
      await setImmediate();
    }
  }
  return undefined;
}

/** Rows and result of the seal are blobs of their own: both may be whole without its manifest. */
async function storedRows(store: Store, digest: Digest): Promise<Listed | undefined> {
  const read = async <R>(blob: Digest): Promise<R[]> => rowsOfBlob<R>(await store.getBlob(blob), blob);
  try {
    const { labels, withdrawn } = await store.getJson<SealResult>(digest);
    return {
      rows: await read<SealRow>(labels),
      withdrawn: withdrawn === undefined ? [] : await read<WithdrawnRow>(withdrawn),
    };
  } catch (error) {
    if ((error as { kind?: string }).kind !== "artifact") throw error;
    return undefined;
  }
}

/** Labels that raced the seal are among the newest: so many in each combination, then so many in order. */
const COMBINED = 10;
const IN_ORDER = 1_000;

/** Sets without labels that may have raced the seal. */
function* setsOf(labels: readonly TimelyLabel[]): Generator<TimelyLabel[]> {
  const newestFirst = labels.toSorted((a, b) => Date.parse(b.givenAt) - Date.parse(a.givenAt));
  const racing = newestFirst.slice(0, COMBINED);
  for (let mask = 0; mask < 2 ** racing.length; mask += 1)
    yield newestFirst.filter((_, i) => i >= racing.length || (mask & (1 << i)) === 0);
  for (let left = racing.length + 1; left <= Math.min(IN_ORDER, labels.length); left += 1)
    yield newestFirst.slice(left);
}
