// `diff`: what differs between two policies, or two campaigns, of a store: settings, data, environments,
// metrics over the prompts that both answered, and answers side by side.
import type { Address } from "../../campaign/ids.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { differences } from "../../campaign/spec/differences.ts";
import type { Difference } from "../../campaign/spec/differences.ts";
import { repairsOf } from "../../campaign/rules.ts";
import type { Decision, Digest, LedgerRow, PairResult, TrainResult } from "../../campaign/types.ts";
import { specAt } from "../../campaign/specs-in-force.ts";
import type { Store } from "../../store/types.ts";
import { diffMetrics } from "./diff-metrics.ts";
import type { MetricsDiff } from "./diff-metrics.ts";
import { explainedPlace } from "./explain.ts";
import type { FinishedPlace } from "./places.ts";
import { requireCampaign } from "./record.ts";
import { sideBySide } from "./samples.ts";
import type { SideBySide } from "./samples.ts";
import { environmentsOf, readManifests } from "./work.ts";
import type { Environment } from "./work.ts";

export interface CampaignDiff {
  a: DiffSide;
  b: DiffSide;
  /** Settings; those that name data are in `data`. */
  spec: Difference[];
  /** Models, prompts and modules that the specs name, and what the two policies were trained on. */
  data: Difference[];
  /** Versions and machines that computed, by name; several values of one side are joined. */
  environments: Difference[];
  /** Absent if the two were not measured on the same split. */
  metrics?: MetricsDiff | undefined;
  /** Only if asked for. */
  samples?: SideBySide | undefined;
}

export interface DiffSide {
  campaignId: string;
  specDigest: Digest;
  /** Absent, as the members below, while the campaign has finished nothing. */
  place?: string | undefined;
  policy?: Digest | undefined;
  decision?: Decision | undefined;
}

export interface DiffOptions {
  /** Prompts whose answers are shown side by side. */
  samples?: number;
}

interface ReadSide {
  side: DiffSide;
  spec: CompiledSpec;
  place: FinishedPlace | undefined;
  trained: object;
  environments: Environment[];
}

export async function diffCampaigns(
  store: Store,
  first: Address,
  second: Address,
  { samples = 0 }: DiffOptions = {},
): Promise<CampaignDiff> {
  const [a, b] = [await readSide(store, first), await readSide(store, second)];
  const found = differences(a.spec, b.spec);
  const [placeOfA, placeOfB] = [a.place, b.place];
  const both = placeOfA && placeOfB;
  return {
    a: a.side,
    b: b.side,
    spec: found.filter((one) => !isOfData(one)),
    data: [...found.filter(isOfData), ...differences(a.trained, b.trained)],
    environments: differences(joined(a.environments), joined(b.environments)),
    metrics: both && (await diffMetrics(store, { ...a, place: placeOfA }, { ...b, place: placeOfB })),
    samples:
      both && samples > 0 ? await sideBySide(store, placeOfA, placeOfB, { limit: samples }) : undefined,
  };
}

async function readSide(store: Store, address: Address): Promise<ReadSide> {
  const { campaignId } = address;
  const { record, rows } = await requireCampaign(store, campaignId);
  const isNamed = address.iteration !== undefined || address.baseline !== undefined;
  const place = isNamed || record.iterations.length > 0 ? explainedPlace(record, address) : undefined;
  const { name, policy, decision } = place ?? {};
  const specDigest = place ? specAt(record.specs, place.place).specDigest : record.specDigest;
  const spec = await store.getJson<CompiledSpec>(specDigest);
  return {
    side: { campaignId, specDigest, place: name, policy, decision },
    spec,
    place,
    trained: place ? await trainedOn(store, place) : {},
    environments: place ? await environments(store, campaignId, place, rows) : [],
  };
}

/** A digest, or a part of the spec that says how many rows there are of which data. */
const isOfData = ({ path, before, after }: Difference): boolean =>
  /^(policy|prompts|modules)\b|\.data\b/.test(path) || [before, after].some(isDigest);

const isDigest = (value: unknown): boolean => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);

async function trainedOn(store: Store, { stages }: FinishedPlace): Promise<object> {
  const pair = stages.pair === undefined ? undefined : await store.getJson<PairResult>(stages.pair);
  const train = stages.train ?? stages.sft;
  const { data, start, steps } = train === undefined ? {} : await store.getJson<Partial<TrainResult>>(train);
  const { pairs, labels } = pair?.report ?? {};
  return { trained: { start, data, steps, pairs, labels } };
}

async function environments(
  store: Store,
  campaignId: string,
  { name }: FinishedPlace,
  rows: readonly LedgerRow[],
): Promise<Environment[]> {
  const manifests = await readManifests(store, campaignId, name, repairsOf(rows));
  return environmentsOf([...manifests.values()].flat());
}

function joined(found: readonly Environment[]): Record<string, string> {
  const values = new Map<string, Set<string>>();
  for (const [name, value] of found.flatMap((environment) => Object.entries(environment)))
    if (value !== undefined) values.set(name, (values.get(name) ?? new Set()).add(String(value)));
  return Object.fromEntries([...values].map(([name, all]) => [name, [...all].toSorted().join(", ")]));
}
