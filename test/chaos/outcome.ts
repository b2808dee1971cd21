// The part of a finished campaign's record that must be the same with and without faults.
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
  /** SHA-256 of each trained model's weights, by place and stage. */
  weights: Record<string, Digest>;
  /** Digest of every stage's manifest, by key. */
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
    // Two evaluations or generations may share a place. The address in the key separates them; it is the same
    // in every store.
    outcome.results[key] = digest;
    if ("weights" in result) outcome.weights[`${result.place} ${result.stage}`] = result.weights;
  }
  return outcome;
}

/**
 * (prompt, sample) pairs that are missing from the rows of the sampled stages, or are there more than once.
 */
export interface Tally {
  lost: number;
  doubled: number;
}

/** Compares the completions of every sampled stage with the counts in the spec. */
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
  const isReferenceAnswers = result.stage === "generate" && result.prompts === prompts.test.rows;
  if (isReferenceAnswers) return prompts.test.count * evaluate.samples;
  return (
    (prompts.preferences?.count ?? 0) *
    (preferences && "sample" in preferences ? each(preferences.sample.samples) : 0)
  );
}

/** Manifests that no ledger row names, nor a manifest that a ledger row names. */
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
