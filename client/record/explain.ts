// `explain`: what a policy came from, by the record alone: from its weights back to labels, pairs, scores,
// answers, prompts and the author's files, each with its digest; and the decisions on the way.
import { namesIn, typeOf } from "../../campaign/names.ts";
import type { Address } from "../../campaign/ids.ts";
import type {
  CampaignRecord,
  Decision,
  Digest,
  LedgerEvent,
  LedgerRow,
  Place,
  PromoteResult,
} from "../../campaign/types.ts";
import { placeName } from "../../campaign/ids.ts";
import { repairsOf, TRAININGS } from "../../campaign/rules.ts";
import { specAt } from "../../campaign/specs-in-force.ts";
import type { Store } from "../../store/types.ts";
import { finishedPlaces, placeOf } from "./places.ts";
import type { FinishedPlace } from "./places.ts";
import { readCampaign } from "./record.ts";
import { readRows } from "./rows.ts";
import { environmentsOf, readManifests } from "./work.ts";
import type { Environment } from "./work.ts";

export interface Explanation {
  campaignId: string;
  place: string;
  policy: Digest;
  /** The spec that held at the place. */
  specDigest: Digest;
  /** That made it from the first spec, in the order of the ledger. */
  amendments: ExplainedAmendment[];
  /** SHA-256 of the ledger's last row. */
  head: Digest;
  /** The policy first; everything that a node is made from stands after it. */
  nodes: LineageNode[];
  decisions: ExplainedDecision[];
  /** Of the places in `nodes`. */
  environments: Environment[];
}

export interface LineageNode {
  digest: Digest;
  /** `policy` and other trees, a stage's result, or rows and modules that the author gave. */
  kind: "tree" | "result" | "blob";
  /** The stage and the place that made it; absent for the author's files. */
  stage?: string;
  place?: string;
  /** What it was made from, by the member that names it. */
  from: { name: string; digest: Digest }[];
}

export interface ExplainedAmendment extends Omit<LedgerEvent & { type: "amended" }, "type"> {
  row: number;
  at: string;
}

export interface ExplainedDecision {
  row: number;
  at: string;
  by: string;
  place: string;
  decision: Decision;
  reason?: string;
}

export async function explain(store: Store, address: Address): Promise<Explanation> {
  const { campaignId } = address;
  const { rows, digests } = await readRows(store, campaignId);
  const { record } = (await readCampaign(store, campaignId))!;
  const place = explainedPlace(record, address);
  const nodes = await lineageOf(store, record, place.policy);
  const repairs = repairsOf(rows);
  const manifests = [];
  for (const name of new Set(nodes.flatMap((node) => node.place ?? [])))
    manifests.push(...[...(await readManifests(store, campaignId, name, repairs)).values()].flat());
  return {
    campaignId,
    place: place.name,
    policy: place.policy,
    specDigest: specAt(record.specs, place.place).specDigest,
    amendments: amendmentsAt(record, rows, place.place),
    head: digests.at(-1)!,
    nodes,
    decisions: await decisionsOf(store, rows),
    environments: environmentsOf(manifests),
  };
}

function amendmentsAt(
  { specs }: CampaignRecord,
  rows: readonly LedgerRow[],
  place: Place,
): ExplainedAmendment[] {
  const amended = rows.flatMap(({ n: row, at, event }) => {
    if (event.type !== "amended") return [];
    const { type: _type, ...what } = event;
    return [{ row, at, ...what }];
  });
  return amended.slice(0, specs.indexOf(specAt(specs, place)));
}

/** Without an iteration, the promoted policy's. */
export function explainedPlace(record: CampaignRecord, address: Address): FinishedPlace {
  const { promoted } = record;
  const isNamed = address.iteration !== undefined || address.baseline !== undefined;
  return placeOf(
    record,
    isNamed || !promoted ? address : { ...address, iteration: promoted.iteration, take: promoted.take },
  );
}

interface Made {
  place: string;
  stage: string;
  result: Digest;
}

async function lineageOf(store: Store, record: CampaignRecord, policy: Digest): Promise<LineageNode[]> {
  const made = await treesMade(store, record);
  const nodes = new Map<Digest, LineageNode>();
  const visit = async (digest: Digest, kind: LineageNode["kind"]): Promise<void> => {
    if (nodes.has(digest)) return;
    const maker = made.get(digest);
    if (kind !== "result") {
      const from = maker ? [{ name: "made by", digest: maker.result }] : [];
      nodes.set(digest, { digest, kind, stage: maker?.stage, place: maker?.place, from });
      if (maker) await visit(maker.result, "result");
      return;
    }
    const result = await store.getJson<{ place?: string }>(digest);
    const inputs = namesIn(result).filter((name) => name.maker === "other");
    const from = inputs.map(({ path, digest: of }) => ({ name: path, digest: of }));
    nodes.set(digest, { digest, kind, stage: typeOf(result), place: result.place, from });
    for (const input of inputs) await visit(input.digest, await kindOf(store, input, made));
  };
  await visit(policy, "tree");
  return [...nodes.values()];
}

/** Some members name a result, or what the author gave. */
async function kindOf(
  store: Store,
  { digest, kind }: { digest: Digest; kind: string },
  made: ReadonlyMap<Digest, Made>,
): Promise<LineageNode["kind"]> {
  if (kind !== "any") return kind as LineageNode["kind"];
  if (made.has(digest)) return "tree";
  const found = await store.getJson<unknown>(digest).catch(() => undefined);
  if (found === undefined) return "blob";
  return typeOf(found) === "tree" ? "tree" : "result";
}

/** The newest maker of each tree that the campaign's places made. */
async function treesMade(store: Store, record: CampaignRecord): Promise<Map<Digest, Made>> {
  const made = new Map<Digest, Made>();
  for (const { name: place, stages } of finishedPlaces(record))
    for (const stage of TRAININGS) {
      const result = stages[stage];
      if (result === undefined) continue;
      for (const { kind, maker, digest } of namesIn(await store.getJson(result)))
        if (kind === "tree" && maker === "itself") made.set(digest, { place, stage, result });
    }
  return made;
}

async function decisionsOf(store: Store, rows: readonly LedgerRow[]): Promise<ExplainedDecision[]> {
  const decisions: ExplainedDecision[] = [];
  for (const { n, at, by, event } of rows) {
    if (event.type !== "iteration-finished") continue;
    const { promote } = event.stages;
    const reason = promote && (await store.getJson<PromoteResult>(promote)).reason;
    decisions.push({ row: n, at, by, place: placeName(event), decision: event.decision, reason });
  }
  return decisions;
}
