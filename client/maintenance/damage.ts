// Which manifests, checkpoints and places a repair has to make again, from the problems that `verify` found.
import { originalKey, placeName, resultsPrefix, workPrefix } from "../../campaign/ids.ts";
import { namesIn, typeOf } from "../../campaign/names.ts";
import type { Name } from "../../campaign/names.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { Digest, LedgerEvent, LedgerRow, Manifest } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { currentManifests } from "../record/work.ts";
import type { VerifyProblem } from "./blob-checker.ts";
import { digestsBelow } from "../../start/documents.ts";

export interface Damage {
  /** Keys, without repair numbers, of manifests that are damaged or whose own blobs are. */
  manifests: string[];
  /** Results of sound manifests whose blob of the result is damaged. */
  results: unknown[];
  /** Keys of damaged manifests, or manifests with damaged blobs, of work in progress. */
  checkpoints: string[];
  /** Names of places that must run again. */
  places: Set<string>;
}

export const damagedOf = (problems: readonly VerifyProblem[]): Set<Digest> =>
  new Set(problems.map(({ what }) => what));

export async function findDamage(
  store: Store,
  campaignId: string,
  rows: LedgerRow[],
  problems: VerifyProblem[],
): Promise<Damage> {
  const damaged = damagedOf(problems);
  const damage: Damage = { manifests: [], results: [], checkpoints: [], places: new Set() };
  const prefix = resultsPrefix(campaignId);
  const results = await readRecords(store, prefix, rows, damaged);
  const isLost = lossTest(store, results, damaged);
  for (const record of results) {
    const place = record.key.slice(prefix.length).split("/")[0] ?? "";
    if (record.found && damaged.has(record.found.digest)) damage.results.push(record.found.manifest.result);
    const lost = await isLost(record);
    if (lost) damage.manifests.push(originalKey(record.key).key);
    // A lost piece is made again by its place; the stage's own manifest stays.
    if (lost || record.names.some(({ digest, maker }) => maker === "piece" && damaged.has(digest)))
      damage.places.add(place);
  }
  for (const record of await readRecords(store, workPrefix(campaignId), rows, damaged))
    if ((await isLost(record)) || damaged.has(record.found?.digest ?? ""))
      damage.checkpoints.push(record.key);

  const committed = new Set(results.map(({ found }) => found?.digest));
  for (const { event } of rows) {
    const place = placeOfEvent(event);
    const isGone = ({ kind, digest }: Name): boolean => kind === "result" && !committed.has(digest);
    if (place && namesIn(event, "ledger").some(isGone)) damage.places.add(place);
  }
  return damage;
}

interface ManifestRecord {
  key: string;
  /** Undefined if the manifest is damaged. */
  found?: { manifest: Manifest; digest: Digest };
  names: Name[];
  /** Blobs that its own stage made, by the table of names (campaign/names.ts). */
  made: ReadonlySet<Digest>;
}

async function readRecords(
  store: Store,
  prefix: string,
  rows: LedgerRow[],
  damaged: ReadonlySet<string>,
): Promise<ManifestRecord[]> {
  const records: ManifestRecord[] = [];
  for (const key of await currentManifests(store, prefix, repairsOf(rows))) {
    const found = damaged.has(key) ? undefined : await store.readManifest<Manifest>(key);
    const names = found ? namesIn(found.manifest.result, typeOf(found.manifest)) : [];
    records.push({ key, found, names, made: await digestsBelow(store, by("itself", names), damaged) });
  }
  return records;
}

const by = (maker: Name["maker"], names: readonly Name[]): Name[] =>
  names.filter((name) => name.maker === maker);

/** A test for manifests that are damaged, or lost a blob that their own stage made. */
function lossTest(
  store: Store,
  results: readonly ManifestRecord[],
  damaged: ReadonlySet<Digest>,
): (record: ManifestRecord) => Promise<boolean> {
  const known = new Set(results.flatMap(({ found, made }) => [...(found ? [found.digest] : []), ...made]));
  const unread = new Set([...known, ...damaged]);
  return async ({ found, names, made }) => {
    if (!found || [...made].some((digest) => damaged.has(digest))) return true;
    // The stage also made what an unknown member names, unless another stage is known to have made it.
    const unknown = await digestsBelow(store, by("unknown", names), unread);
    return [...unknown].some((digest) => damaged.has(digest) && !known.has(digest));
  };
}

/** Name of the place that an event finished. */
function placeOfEvent(event: LedgerEvent): string | undefined {
  switch (event.type) {
    case "bootstrap-finished":
      return placeName({ iteration: 0, take: 1 });
    case "iteration-finished":
      return placeName({ iteration: event.iteration, take: event.take });
    case "baseline-finished":
      return placeName({ baseline: event.name, take: 1 });
    default:
      return undefined;
  }
}
