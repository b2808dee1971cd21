// What a finished campaign leaves in its store, as far as it must not depend on what went wrong on the way.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type {
  Digest,
  EvaluateResult,
  GenerateResult,
  LedgerRow,
  Manifest,
  PieceRef,
  ScoreResult,
  TrainResult,
} from "../../campaign/types.ts";
import { jsonLines } from "../../client/record/record.ts";
import type { Store } from "../../store/types.ts";
import { CAMPAIGN } from "./environment.ts";

type Result = (
  TrainResult | EvaluateResult | GenerateResult | ScoreResult | { stage: "pair" | "promote" }
) & { place: string; piece?: number };

export interface Committed {
  key: string;
  digest: Digest;
  result: Result & { pieces?: PieceRef[]; rows?: Digest };
  facts: Manifest["facts"];
}

export interface Outcome {
  /** SHA-256 of the weights of each trained model. */
  weights: Record<string, Digest>;
  /** Digest of every stage's result, by place, stage and split: the whole record, not only its end. */
  results: Record<string, Digest>;
}

export async function committed(store: Store): Promise<Committed[]> {
  const found: Committed[] = [];
  for await (const key of store.backend.list(`campaigns/${CAMPAIGN}/results/`)) {
    const read = await store.readManifest<Manifest<Committed["result"]>>(key);
    if (read)
      found.push({ key, digest: read.digest, result: read.manifest.result, facts: read.manifest.facts });
  }
  return found;
}

export const isPiece = ({ result }: Committed): boolean => result.piece !== undefined;

export function outcomeOf(manifests: readonly Committed[]): Outcome {
  const outcome: Outcome = { weights: {}, results: {} };
  for (const manifest of manifests.filter((each) => !isPiece(each))) {
    const { result, digest, key } = manifest;
    // Two evaluations and two generations may share a place: the address in the key tells them apart, and is the same in every store.
    outcome.results[key] = digest;
    if ("weights" in result) outcome.weights[`${result.place} ${result.stage}`] = result.weights;
  }
  return outcome;
}

/** How often each (prompt, sample) of a stage's rows is there, against once. */
export interface Tally {
  lost: number;
  doubled: number;
}

/** Counts the completions of every sampled stage against what the spec asks for. */
export async function tally(
  store: Store,
  manifests: readonly Committed[],
  spec: CompiledSpec,
): Promise<Tally> {
  const total: Tally = { lost: 0, doubled: 0 };
  const sampled = manifests.filter((each) => !isPiece(each) && each.result.pieces !== undefined);
  for (const { result } of sampled) {
    const rows = (
      await Promise.all(
        (result.pieces ?? []).map(({ rows: digest }) =>
          jsonLines<{ promptId: string; index: number }>(store, digest),
        ),
      )
    ).flat();
    const seen = new Set(rows.map(({ promptId, index }) => `${promptId}/${index}`));
    total.doubled += rows.length - seen.size;
    total.lost += Math.max(0, expected(result, spec) - seen.size);
  }
  return total;
}

function expected(result: Result, { prompts, generate, evaluate, bootstrap }: CompiledSpec): number {
  const each = (samples: readonly { count: number }[]): number =>
    samples.reduce((sum, { count }) => sum + count, 0);
  if (result.stage === "evaluate") return prompts[result.split].count * evaluate.samples;
  const iteration = result.place !== "it-0000.1";
  if (iteration) return prompts.perIteration * each(generate.samples);
  const { preferences } = bootstrap;
  const isOpponent = result.stage === "generate" && result.prompts === prompts.test.rows;
  if (isOpponent) return prompts.test.count * evaluate.samples;
  return (
    (prompts.preferences?.count ?? 0) *
    (preferences && "sample" in preferences ? each(preferences.sample.samples) : 0)
  );
}

/** Manifests that neither the ledger nor a manifest it refers to names. */
export function orphans(manifests: readonly Committed[], rows: readonly LedgerRow[]): string[] {
  const named = new Set<Digest>();
  for (const { event } of rows) {
    if ("stages" in event) for (const digest of Object.values(event.stages)) named.add(digest);
    if (event.type === "bootstrap-finished")
      for (const digest of Object.values(event.bootstrap)) named.add(digest as Digest);
  }
  const pieces = new Set(
    manifests
      .filter((each) => !isPiece(each) && named.has(each.digest))
      .flatMap(({ result }) => (result.pieces ?? []).map(({ rows: digest }) => digest)),
  );
  return manifests
    .filter((each) => (isPiece(each) ? !pieces.has(each.result.rows as Digest) : !named.has(each.digest)))
    .map(({ key }) => key);
}
