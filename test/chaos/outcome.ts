// The part of a finished campaign's record that must be the same with and without faults.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type {
  Digest,
  GenerateResult,
  JudgeResult,
  LedgerRow,
  Manifest,
  PieceRef,
  ReferenceResult,
  ScoreResult,
  TrainResult,
} from "../../campaign/types.ts";
import { jsonLines } from "../../client/record/record.ts";
import type { Store } from "../../store/types.ts";
import { CAMPAIGN } from "./environment.ts";
import { BOOTSTRAP_PLACE } from "./tiny-shop.ts";

type Result = (
  | TrainResult
  | GenerateResult
  | ScoreResult
  | ReferenceResult
  | JudgeResult
  | { stage: "pair" | "evaluate" | "promote" }
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
    // A stage may run more than once in a place. The address in the key separates the runs; it is the same in
    // every store.
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

/** Compares the rows of every fan-out, one a completion, with the counts in the spec. */
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
    total.lost += Math.max(0, expected(result, answersOf(result, manifests), spec) - seen.size);
  }
  return total;
}

/** The completions that a fan-out made or read. */
function answersOf(result: Result, manifests: readonly Committed[]): GenerateResult {
  if (result.stage === "generate" || result.stage === "answer") return result;
  const { completions, answers, ours } = result as { completions?: Digest; answers?: Digest; ours?: Digest };
  const read = manifests.find(({ digest }) => digest === (completions ?? answers ?? ours));
  if (!read) throw new Error(`${result.place} ${result.stage} names completions that no stage made`);
  return answersOf(read.result, manifests);
}

function expected(
  made: Result,
  { stage, place, prompts: list }: GenerateResult,
  { prompts, generate, evaluate, bootstrap }: CompiledSpec,
): number {
  const each = (samples: readonly { count: number }[]): number =>
    samples.reduce((sum, { count }) => sum + count, 0);
  if (stage === "answer")
    return evaluate.samples * (list === prompts.test.rows ? prompts.test : prompts.validation).count;
  if (place !== BOOTSTRAP_PLACE) return prompts.perIteration * each(generate.samples);
  // Only the answers that the audit part compares are scored.
  if (made.stage === "score") return 2 * (bootstrap.labels?.audit ?? 0);
  return (prompts.bootstrap?.count ?? 0) * each(bootstrap.labels?.sample.samples ?? []);
}

/** Manifests that no ledger row names, nor a manifest that a ledger row names. */
export function orphans(manifests: readonly Committed[], rows: readonly LedgerRow[]): string[] {
  const named = new Set<Digest>();
  for (const { event } of rows) {
    if ("stages" in event) for (const digest of Object.values(event.stages)) named.add(digest);
    if (event.type === "bootstrap-finished")
      for (const digest of Object.values(event.bootstrap)) named.add(digest as Digest);
  }
  for (const { digest, result } of manifests)
    if (named.has(digest))
      for (const value of Object.values(result)) if (typeof value === "string") named.add(value);
  const pieces = new Set(
    manifests
      .filter((each) => !isPiece(each) && named.has(each.digest))
      .flatMap(({ result }) => (result.pieces ?? []).map(({ rows: digest }) => digest)),
  );
  return manifests
    .filter((each) => (isPiece(each) ? !pieces.has(each.result.rows as Digest) : !named.has(each.digest)))
    .map(({ key }) => key);
}
