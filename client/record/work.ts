// The work behind the results of a place: attempts, and pieces or steps that were computed, adopted or
// computed twice. It is read from the facts of the manifests, which decide nothing.
import { isCurrent, resultsPrefix } from "../../campaign/ids.ts";
import type { Facts, Manifest } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { eachOf } from "../../store/each.ts";

/** One stage of a place; its runs for different sets of answers are counted together. */
export interface StageWork {
  /** Most attempts that one activity of the stage needed. */
  attempts: number;
  /** Pieces committed, or optimizer steps of the attempt that finished. */
  computed: number;
  /** Pieces or steps that were computed again, because a killed attempt had begun them. */
  recomputed: number;
  /** Times that a model was loaded for the stage's pieces; absent for a stage without pieces. */
  modelLoads?: number;
  /** Training only: the step from which the last attempt resumed. */
  resumedFrom?: number;
  /** Time of the attempts that committed, and the part of it spent on work that was computed again. */
  busyMs: number;
  recomputedMs: number;
  startedAt: string;
  finishedAt: string;
  hosts: string[];
}

/** What computed: versions and the machine, as the facts name them. */
export type Environment = Pick<
  Facts,
  "ratchet" | "build" | "commit" | "dirty" | "lock" | "node" | "onnxruntime" | "host" | "cpu" | "device"
>;

/** All manifests of a place, by stage folder, without those that repairs set aside. */
export async function readManifests(
  store: Store,
  campaignId: string,
  placeName: string,
  repairs: ReadonlyMap<string, number>,
): Promise<Map<string, Manifest[]>> {
  const prefix = `${resultsPrefix(campaignId)}${placeName}/`;
  const stages = new Map<string, Manifest[]>();
  await eachOf(await currentManifests(store, prefix, repairs), async (key) => {
    const read = await store.readManifest<Manifest>(key);
    if (!read) return;
    const stage = key.slice(prefix.length).split("/")[0] ?? "";
    stages.set(stage, [...(stages.get(stage) ?? []), read.manifest]);
  });
  return stages;
}

export function stageWork(manifests: readonly Manifest[]): StageWork {
  const pieces = manifests.filter(({ schema }) => schema === "ratchet.piece/1").map(({ facts }) => facts);
  const whole = manifests.filter(({ schema }) => schema !== "ratchet.piece/1").map(({ facts }) => facts);
  const all = [...pieces, ...whole];
  const resumedFrom = whole.map((facts) => facts.resumedFrom).find((step) => step !== undefined);
  return {
    attempts: Math.max(...all.map(({ attempt }) => attempt)),
    computed: pieces.length > 0 ? pieces.length : whole.reduce((sum, { computed = 0 }) => sum + computed, 0),
    recomputed: all.reduce((sum, facts) => sum + recomputed(facts), 0),
    modelLoads:
      pieces.length > 0 ? pieces.reduce((sum, { modelLoads = 0 }) => sum + modelLoads, 0) : undefined,
    resumedFrom,
    busyMs: all.reduce((sum, facts) => sum + durationMs(facts), 0),
    recomputedMs: all.reduce((sum, facts) => sum + recomputedMs(facts), 0),
    startedAt: all.map((facts) => facts.startedAt).reduce((a, b) => (a < b ? a : b)),
    finishedAt: all.map((facts) => facts.finishedAt).reduce((a, b) => (a > b ? a : b)),
    hosts: [...new Set(all.map(({ host }) => host))].sort(),
  };
}

/** The fact is true for a piece, and a number of steps for training. */
const recomputed = ({ recomputed: value }: Facts): number =>
  typeof value === "number" ? value : value === true ? 1 : 0;

const durationMs = ({ startedAt, finishedAt }: Facts): number =>
  Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)) || 0;

/** Of a training: the share of its steps, because the lost steps are not timed. */
function recomputedMs(facts: Facts): number {
  const { computed = 0 } = facts;
  const again = recomputed(facts);
  if (again === 0) return 0;
  return computed > 0 ? (durationMs(facts) * Math.min(again, computed)) / computed : durationMs(facts);
}

/** Each environment once, in the order of the manifests. */
export function environmentsOf(manifests: Iterable<Manifest>): Environment[] {
  const found = new Map<string, Environment>();
  for (const { facts } of manifests) {
    const { ratchet, build, commit, dirty, lock, node, onnxruntime, host, cpu, device } = facts;
    const environment = { ratchet, build, commit, dirty, lock, node, onnxruntime, host, cpu, device };
    found.set(JSON.stringify(environment), environment);
  }
  return [...found.keys()].sort().map((key) => found.get(key)!);
}

/**
 * Keys of manifests under a prefix, without those that repairs set aside. Files with other names are ignored.
 */
export async function currentManifests(
  { backend }: Store,
  prefix: string,
  repairs: ReadonlyMap<string, number>,
): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of backend.list(prefix)) if (isCurrent(key, repairs)) keys.push(key);
  return keys;
}
