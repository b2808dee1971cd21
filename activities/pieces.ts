// Fan-out stages: a piece is computed whole or not at all and committed at an address that follows from its inputs, so a shard
// adopts what is there and computes the rest, and `seal` finds every piece again without being told. (design: docs/store.md)
import { RatchetError, isCoded } from "../errors/index.ts";
import type { Digest, Dropped, GenerateResult, PieceRef, Shard, StageName } from "../campaign/types.ts";
import { resultKey, successorKey } from "../campaign/ids.ts";
import { addressOf } from "./address.ts";
import type { FanOutInput, ShardDone, StageDone } from "./contract.ts";
import type { StageContext } from "./attempt/context.ts";
import { retryDuringOutage } from "./attempt/retry-during-outage.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import { eachPiece } from "./records.ts";
import { sha256 } from "../store/index.ts";
import { STAGE_VERSION } from "./versions.ts";

export type Counts = Record<string, number>;

interface Computed<Row = unknown> {
  rows: Row[];
  prompts: number;
  counts: Counts;
}

/** One fan-out stage: what a piece depends on, how it is computed, and what the pieces add up to. */
export interface PieceStage<Row = unknown> {
  pieces: number;
  /** Everything that the rows of piece `index` depend on, besides stage, version and place. */
  inputs(index: number): unknown;
  compute(index: number): Promise<Computed<Row>>;
  /** Where the spec lets the campaign go on without a poisoned piece: ids of the prompts that it loses by that. */
  drop?(index: number): string[];
  /** What the stage's result depends on besides its pieces and its input. */
  sealSettings?: unknown;
  /** The stage's result from its pieces' refs and summed counts, and the scalars to show. */
  seal(
    pieces: PieceRef[],
    counts: Counts,
  ): Promise<{ result: { stage: string }; values: Record<string, number> }>;
}

interface PieceResult {
  stage: StageName;
  version: number;
  place: string;
  piece: number;
  rows: Digest;
  prompts: number;
  counts: Counts;
  /** Left out, since it ended its process each time. */
  dropped?: Dropped;
}

interface PieceManifest {
  schema: "ratchet.piece/1";
  result: PieceResult;
  facts: object;
}

export async function runShard(
  context: StageContext<FanOutInput>,
  stage: PieceStage,
  shard: Shard,
): Promise<ShardDone> {
  const { store } = context.deps;
  const total = shard.to - shard.from;
  let adopted = 0;
  let done = 0;
  context.onProgress({ done, total, unit: "pieces" });
  for (const index of inOrder(context, shard)) {
    context.signal.throwIfAborted();
    const key = pieceKey(context, stage, index);
    if (await store.readManifest<PieceManifest>(key)) {
      adopted += 1;
    } else {
      const startedAtMs = performance.now();
      await survive(context, stage, index, key);
      context.madeProgress(performance.now() - startedAtMs);
    }
    done += 1;
    context.onProgress({ done, total, unit: "pieces" });
  }
  return { pieces: total, adopted };
}

/** Deaths of its process after which a piece is held to be their cause. */
const DEATHS_MAX = 3;
const DEATHS = new Set(["engine_died", "module_died"]);

/** A piece on which a process died comes last: the others are done before it can kill again. */
function inOrder({ trace }: StageContext, { from, to }: Shard): number[] {
  const deaths = (index: number): number => trace.deaths?.[index] ?? 0;
  return Array.from({ length: to - from }, (_, offset) => from + offset).sort(
    (one, other) => deaths(one) - deaths(other) || one - other,
  );
}

/** Pieces on which a process died before run one at a time in a worker: the innocent one beside a killer would be blamed as often. */
let suspects: Promise<unknown> = Promise.resolve();

/** Computes the piece, or deals with the death that it may be the cause of. */
async function survive(
  context: StageContext<FanOutInput>,
  stage: PieceStage,
  index: number,
  key: string,
): Promise<void> {
  const deaths = deathsOf(context, index);
  if (deaths >= DEATHS_MAX)
    return poisoned(context, stage, index, key, new Error("its worker ended without a word"));
  const compute = (): Promise<void> =>
    computePiece(context, stage, index, key).catch((error: unknown) =>
      afterDeath(context, stage, index, key, error),
    );
  if (deaths === 0) return compute();
  const alone = suspects.then(compute, compute);
  suspects = alone.catch(() => undefined);
  return alone;
}

/** Throws the error on, or decides that this piece kills whoever computes it. */
async function afterDeath(
  context: StageContext<FanOutInput>,
  stage: PieceStage,
  index: number,
  key: string,
  error: unknown,
): Promise<void> {
  if (!isCoded(error) || !DEATHS.has(error.code)) throw error;
  const deaths = deathsOf(context, index) + 1;
  context.trace.deaths = { ...context.trace.deaths, [index]: deaths };
  if (deaths < DEATHS_MAX) throw error;
  await poisoned(context, stage, index, key, error);
}

const deathsOf = ({ trace }: StageContext, index: number): number => trace.deaths?.[index] ?? 0;

/** Committed without rows where the spec allows that; the stage's manifest names its prompts. Otherwise it ends the campaign. */
async function poisoned(
  context: StageContext<FanOutInput>,
  stage: PieceStage,
  index: number,
  key: string,
  cause: Error,
): Promise<void> {
  const { input, place } = context;
  const what = `piece ${index} of ${input.stage} of ${place} ended its process ${deathsOf(context, index)} times`;
  if (!stage.drop)
    throw new RatchetError(
      "piece_poisoned",
      `${what}; the other pieces of its shard are done. The last time: ${cause.message}`,
      { cause },
    );
  const dropped = { prompts: stage.drop(index), cause: `${what}: ${cause.message}` };
  await commitPiece(context, index, key, { rows: [], prompts: 0, counts: {} }, { dropped });
}

async function computePiece(
  context: StageContext<FanOutInput>,
  stage: PieceStage,
  index: number,
  key: string,
): Promise<void> {
  const startedAt = new Date().toISOString();
  // Begun by an attempt that died before it committed: this is the work that a kill costs.
  const recomputed = context.previous?.begun?.includes(index) ?? false;
  context.trace.begun = [index];
  context.flushHeartbeat();
  const computed = await stage.compute(index);
  context.signal.throwIfAborted();
  await commitPiece(context, index, key, computed, {}, { recomputed, startedAt });
  context.trace.begun = [];
}

async function commitPiece(
  context: StageContext<FanOutInput>,
  piece: number,
  key: string,
  { rows, ...sums }: Computed,
  more: { dropped?: Dropped },
  facts: { recomputed?: boolean; startedAt?: string } = {},
): Promise<void> {
  const { store } = context.deps;
  await retryDuringOutage(context, async () => {
    const text = formatRows(rows);
    const result: PieceResult = { ...stamp(context), piece, rows: sha256(text), ...sums, ...more };
    // Together, and before the commit asks for the second: a directory spends far longer on syncing a blob than on writing it.
    await Promise.all([store.putBlob(text), store.putJson(result)]);
    await store.commitManifest<PieceManifest>(
      key,
      { schema: "ratchet.piece/1", result, facts: { ...context.facts(), ...facts } },
      [result.rows],
    );
  });
}

/** Finds all pieces by address and commits the stage's manifest. Idempotent: a second seal adopts the first one's. */
export async function sealStage(context: StageContext<FanOutInput>, stage: PieceStage): Promise<StageDone> {
  const refs: PieceRef[] = [];
  const dropped: NonNullable<GenerateResult["dropped"]> = [];
  const counts: Counts = {};
  for await (const piece of eachPiece([...new Array(stage.pieces).keys()], (index) =>
    readPiece(context, stage, index),
  )) {
    refs.push({ index: piece.piece, rows: piece.rows, prompts: piece.prompts });
    if (piece.dropped) dropped.push({ piece: piece.piece, ...piece.dropped });
    for (const [name, value] of Object.entries(piece.counts)) counts[name] = (counts[name] ?? 0) + value;
    context.onProgress({ done: refs.length, total: stage.pieces, unit: "pieces" });
  }

  const { result, values } = await stage.seal(refs, counts);
  const key = stageKey(context, {
    pieces: refs,
    input: sealedInput(context.input),
    settings: stage.sealSettings,
  });
  const sealed = {
    schema: `ratchet.${context.input.stage}/1`,
    result: { ...result, ...(dropped.length > 0 ? { dropped } : {}) },
    facts: context.facts(),
  };
  const { digest } = await context.deps.store.commitManifest(key, sealed);
  return { digest, values };
}

async function readPiece(
  context: StageContext<FanOutInput>,
  stage: PieceStage,
  index: number,
): Promise<PieceResult> {
  const found = await context.deps.store.readManifest<PieceManifest>(pieceKey(context, stage, index));
  if (!found)
    throw new RatchetError(
      "piece_missing",
      `${context.input.stage} of ${context.place} was sealed before piece ${index} was committed`,
    );
  return found.manifest.result;
}

export const stamp = (context: StageContext): { stage: StageName; version: number; place: string } => ({
  stage: context.input.stage,
  version: STAGE_VERSION[context.input.stage],
  place: context.place,
});

/** Key of a stage's manifest: the address covers stage, version, place and everything in `inputs`. */
export function stageKey(context: StageContext, inputs: unknown): string {
  const { campaign, place, stage } = context.input;
  return currentKey(
    context,
    resultKey(campaign.campaignId, place, stage, addressOf({ ...stamp(context), inputs })),
  );
}

function pieceKey(context: StageContext, stage: PieceStage, index: number): string {
  const { campaign, place, stage: name } = context.input;
  const address = addressOf({ ...stamp(context), piece: index, inputs: stage.inputs(index) });
  return currentKey(
    context,
    resultKey(campaign.campaignId, place, name, `piece-${String(index).padStart(5, "0")}-${address}`),
  );
}

/** A manifest that the ledger has set aside is not adopted: what it was is computed again and committed beside it. */
const currentKey = ({ repairs }: StageContext, key: string): string =>
  successorKey(key, repairs.get(key) ?? 0);

/** The part of the input that belongs to the address: not the campaign's name, not the epoch. */
function sealedInput({ campaign: _campaign, epoch: _epoch, place: _place, ...own }: FanOutInput): unknown {
  return own;
}
