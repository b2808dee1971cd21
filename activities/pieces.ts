// Fan-out stages. A piece is computed whole or not at all and committed at an address that follows from its
// inputs. So a shard adopts the pieces that are committed and computes the rest, and `seal` finds every piece
// by its address (docs/store.md).
import { RatchetError } from "../errors/index.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import type { Dropped, GenerateResult, PieceRef, PieceResult, Shard } from "../campaign/types.ts";
import { sha256 } from "../store/index.ts";
import { pieceKey, stageKey, stamp } from "./address.ts";
import { eachPiece } from "./artifacts.ts";
import type { StageContext } from "./attempt/context.ts";
import { computeUnlessCrashing, crashesOf, suspectsLast } from "./attempt/piece-crashes.ts";
import { retryDuringOutage } from "./attempt/retry-during-outage.ts";
import type { FanOutInput, ShardDone, StageDone } from "./contract.ts";

export type Counts = Record<string, number>;

export interface Computed<Row = unknown> {
  rows: Row[];
  prompts: number;
  counts: Counts;
  /** What the runtime says of itself, for the manifest's facts. */
  facts?: Record<string, unknown> | undefined;
}

/** One fan-out stage: the inputs of a piece, its computation, and the result of all pieces together. */
export interface PieceStage<Row = unknown> {
  pieces: number;
  /** Everything that the rows of piece `index` depend on, besides stage, version and place. */
  inputs(index: number): unknown;
  compute(index: number): Promise<Computed<Row>>;
  /**
   * Prompt ids of a piece that keeps crashing and that the campaign continues without. Absent: such a piece
   * fails the campaign.
   */
  onCrash?: (index: number) => string[];
  /** Everything that the stage's result depends on, besides its pieces and its input. */
  sealSettings?: unknown;
  /** The stage's result from its pieces and their summed counts, with scalars for the progress card. */
  seal(
    pieces: PieceRef[],
    counts: Counts,
  ): Promise<{ result: { stage: string }; values: Record<string, number> }>;
}

interface PieceManifest {
  schema: "ratchet.piece/1";
  result: PieceResult;
  facts: object;
}

type Context = StageContext<FanOutInput>;

export async function runShard(context: Context, stage: PieceStage, shard: Shard): Promise<ShardDone> {
  const { store } = context.deps;
  const total = shard.to - shard.from;
  const pieces = Array.from({ length: total }, (_, offset) => shard.from + offset);
  let adopted = 0;
  let done = 0;
  context.onProgress({ done, total, unit: "pieces" });
  for (const index of suspectsLast(context, pieces)) {
    context.signal.throwIfAborted();
    const key = pieceKey(context, index, stage.inputs(index));
    if (await store.readManifest<PieceManifest>(key)) {
      adopted += 1;
    } else {
      const startedAtMs = performance.now();
      await computeUnlessCrashing(
        context,
        index,
        () => computePiece(context, stage, index, key),
        (cause) => giveUp(context, stage, index, key, cause),
      );
      context.madeProgress(performance.now() - startedAtMs);
    }
    done += 1;
    context.onProgress({ done, total, unit: "pieces" });
  }
  return { pieces: total, adopted };
}

async function computePiece(context: Context, stage: PieceStage, index: number, key: string): Promise<void> {
  const startedAt = new Date().toISOString();
  // Begun by an attempt that died before its commit: this is the work that a kill costs.
  const recomputed = context.previous?.begun?.includes(index) ?? false;
  context.heartbeat.begun = [index];
  context.flushHeartbeat();
  const loadsBefore = context.modelLoads();
  const { facts, ...computed } = await stage.compute(index);
  context.signal.throwIfAborted();
  const modelLoads = context.modelLoads() - loadsBefore;
  await commitPiece(context, index, key, computed, { recomputed, startedAt, modelLoads, ...facts });
  context.heartbeat.begun = [];
}

/** Commits the piece without rows, and the stage's manifest will name its prompts; or fails the campaign. */
async function giveUp(
  context: Context,
  stage: PieceStage,
  index: number,
  key: string,
  cause: Error,
): Promise<void> {
  const { input, place } = context;
  const times = crashesOf(context, index);
  const crashed = `piece ${index} of ${input.stage} of ${place} ended its process ${times} times`;
  if (!stage.onCrash)
    throw new RatchetError(
      "piece_poisoned",
      `${crashed}; the other pieces of its shard are done. The last time: ${cause.message}`,
      { cause },
    );
  const dropped = { prompts: stage.onCrash(index), cause: `${crashed}: ${cause.message}` };
  await commitPiece(context, index, key, { rows: [], prompts: 0, counts: {}, dropped });
}

async function commitPiece(
  context: Context,
  piece: number,
  key: string,
  { rows, ...rest }: Computed & { dropped?: Dropped },
  facts: Record<string, unknown> = {},
): Promise<void> {
  const { store } = context.deps;
  await retryDuringOutage(context, async () => {
    const text = formatRows(rows);
    const result: PieceResult = { ...stamp(context), piece, rows: sha256(text), ...rest };
    // Both blobs at once, before the commit asks for the second: a directory store syncs a blob far longer
    // than it writes it.
    await Promise.all([store.putBlob(text), store.putJson(result)]);
    await store.commitManifest<PieceManifest>(
      key,
      { schema: "ratchet.piece/1", result, facts: { ...context.facts(), ...facts } },
      [result.rows],
    );
  });
}

/** Finds all pieces by their addresses and commits the stage's manifest. A second seal adopts it. */
export async function sealStage(context: Context, stage: PieceStage): Promise<StageDone> {
  const refs: PieceRef[] = [];
  const dropped: NonNullable<GenerateResult["dropped"]> = [];
  const counts: Counts = {};
  const committed = eachPiece([...new Array(stage.pieces).keys()], (index) =>
    readPiece(context, stage, index),
  );
  for await (const piece of committed) {
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
  const { digest } = await context.deps.store.commitManifest(key, {
    schema: `ratchet.${context.input.stage}/1`,
    result: { ...result, dropped: dropped.length > 0 ? dropped : undefined },
    facts: context.facts(),
  });
  return { digest, values };
}

async function readPiece(context: Context, stage: PieceStage, index: number): Promise<PieceResult> {
  const key = pieceKey(context, index, stage.inputs(index));
  const found = await context.deps.store.readManifest<PieceManifest>(key);
  if (!found)
    throw new RatchetError(
      "piece_missing",
      `${context.input.stage} of ${context.place} was sealed before piece ${index} was committed`,
    );
  return found.manifest.result;
}

/** The input's part of the address. Campaign and epoch are no part of it; `stamp` adds the place. */
function sealedInput({ campaign: _campaign, epoch: _epoch, place: _place, ...own }: FanOutInput): unknown {
  return own;
}
