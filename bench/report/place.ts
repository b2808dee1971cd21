// One place of the large campaign: a manifest for each piece and stage, and the rows of the test split.
import { placeName, resultKey } from "../../campaign/ids.ts";
import type { Digest, EvaluateMetrics, LedgerEvent, PieceRef, StageDigests } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";

export interface Size {
  iterations: number;
  /** Prompts of one iteration. */
  prompts: number;
  /** Prompts of the test split, and of the validation split. */
  test: number;
}

interface PlaceToWrite {
  store: Store;
  campaignId: string;
  place: { iteration: number; take: number };
  size: Size;
  /** Blob of the test prompts. */
  test: Digest;
}

const PIECE = 16;
const BATCH = 16;
export const NOWHERE = "0".repeat(64);
const FACTS = {
  startedAt: "2026-11-01T00:00:00.000Z",
  finishedAt: "2026-11-01T00:00:02.500Z",
  attempt: 1,
  epoch: 1,
  host: "worker-1",
  cpu: "CPU (x64)",
  node: "v20.20.2",
  onnxruntime: "1.30.0",
  ratchet: "0.1.0",
  build: "0.1.0+0123456789ab",
  commit: "0".repeat(40),
  dirty: false,
  lock: NOWHERE,
  device: "cpu",
};

export const lines = (count: number, row: (index: number) => object): string =>
  Array.from({ length: count }, (_, index) => `${JSON.stringify(row(index))}\n`).join("");

/** Returns the row of the ledger that ends the place. */
export async function writePlace(at: PlaceToWrite): Promise<LedgerEvent> {
  const { iteration, take } = at.place;
  const stages: StageDigests = await testSplit(at);
  if (iteration === 0)
    return {
      type: "bootstrap-finished",
      bootstrap: { policy: NOWHERE, opponent: NOWHERE },
      stages: { ...stages, sft: await training(at, "sft") },
    };
  const generate = await fanOut(at, "generate", "iteration", at.size.prompts);
  const score = await fanOut(at, "score", "iteration", at.size.prompts);
  const report = {
    pairs: at.size.prompts,
    groups: at.size.prompts,
    dropped: { tie: 0 },
    margin: { mean: 1, min: 0, max: 3 },
    lengthDifference: 0.3,
  };
  return {
    type: "iteration-finished",
    iteration,
    take,
    policy: NOWHERE,
    decision: "promoted",
    stages: {
      ...stages,
      generate,
      score,
      pair: await commit(at, "pair", "pair", { pairs: NOWHERE, report }),
      train: await training(at, "train"),
      promote: await commit(at, "promote", "promote", {
        decision: "promoted",
        labels: 0,
        reason: "invented",
      }),
    },
  };
}

async function commit(at: PlaceToWrite, stage: string, name: string, result: object): Promise<Digest> {
  const { store, campaignId, place } = at;
  const committed = await store.commitManifest(resultKey(campaignId, place, stage, name), {
    schema: `ratchet.${name.startsWith("piece-") ? "piece" : stage}/1`,
    result: { stage, version: 1, place: placeName(place), ...result },
    facts: FACTS,
  });
  return committed.digest;
}

/** `rows`: text of a piece's rows; without it, the pieces name a blob that is not there. */
async function fanOut(
  at: PlaceToWrite,
  stage: string,
  set: string,
  prompts: number,
  rows?: (first: number, count: number) => string,
): Promise<Digest> {
  const pieces: PieceRef[] = [];
  for (let first = 0; first < prompts; first += PIECE) {
    const index = first / PIECE;
    const count = Math.min(PIECE, prompts - first);
    const piece = {
      index,
      rows: rows ? await at.store.putBlob(rows(first, count)) : NOWHERE,
      prompts: count,
    };
    await commit(at, stage, `piece-${String(index).padStart(5, "0")}-${set}`, {
      piece: index,
      ...piece,
      counts: {},
    });
    pieces.push(piece);
  }
  const prompted = set === "test" ? at.test : NOWHERE;
  return commit(at, stage, set, { pieces, prompts: prompted, counts: {} });
}

async function testSplit(at: PlaceToWrite): Promise<StageDigests> {
  const split = async (stage: string, row: object): Promise<Digest> => {
    const rows = (first: number, count: number): string =>
      lines(count, (index) => ({ promptId: `t${first + index}`, index: 0, ...row }));
    return fanOut(at, stage, "test", at.size.test, rows);
  };
  const answers = await split("answer", ANSWER);
  const scores = await split("score", { score: 1 });
  const verdicts = await split("judge", { tokens: 64, gold: { total: 1 }, against: [{ wins: 1 }] });
  await fanOut(at, "answer", "validation", at.size.test);
  const result = { split: "test", answers, scores, verdicts, metrics: metricsOf(at) };
  return { answer: NOWHERE, test: await commit(at, "evaluate", "test", result) };
}

const ANSWER = {
  text: "an answer of some length ".repeat(12),
  ids: Array.from({ length: 64 }, (_, index) => index),
  logps: Array.from({ length: 64 }, (_, index) => -0.01 * index),
  finish: "eos",
  temperature: 1,
  seed: 1,
};

const metricsOf = ({ place: { iteration }, size: { test } }: PlaceToWrite): EvaluateMetrics => ({
  prompts: test,
  completions: test,
  winRate: { value: 0.5 + iteration / 200, low: 0.45 + iteration / 200, high: 0.55 + iteration / 200 },
  judgedBy: "gold",
  gold: Math.log1p(iteration),
  proxy: iteration / 10,
  length: 64,
  truncated: 0,
  kl: iteration / 3,
});

const METRICS = [
  "grad_norm",
  "rewards/chosen",
  "rewards/rejected",
  "rewards/margins",
  "rewards/accuracies",
  "entropy",
];

async function training(at: PlaceToWrite, stage: "sft" | "train"): Promise<Digest> {
  const steps = Math.ceil(at.size.prompts / BATCH);
  const curve = await at.store.putBlob(
    lines(steps, (step) => ({
      step: step + 1,
      loss: 0.7 / (1 + step / 200),
      ...Object.fromEntries(METRICS.map((name) => [name, Math.sin(step)])),
    })),
  );
  return commit(at, stage, stage, {
    steps,
    policy: NOWHERE,
    weights: NOWHERE,
    metrics: { loss: 0.1 },
    curve,
  });
}
