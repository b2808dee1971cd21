// The graph of scoring, and its inputs: a batch of groups, with the tokens that each row selects.
import { Graph } from "../graph/index.ts";
import { int64 } from "../model/encode.ts";
import {
  arrangeSegments,
  declareParameters,
  declareSegments,
  isRewardModel,
  logits,
  rewards,
} from "../model/index.ts";
import type { Encoded, ModelConfig, Sequence } from "../model/index.ts";
import { Tape } from "../ops/tape.ts";
import type { Group } from "./batches.ts";

/**
 * Attention is padded to a bucket's longest row, and in small models it costs as much as all other products
 * together.
 */
const ROW_BUCKETS = 8;

export function scoreGraph(config: ModelConfig): Graph {
  const t = new Tape(new Graph("few"));
  const parameters = declareParameters(t, config);
  const segments = declareSegments(t, config, ROW_BUCKETS, { learning: false });
  const selection = { index: t.graph.input("index", "int64", ["M"]) };
  if (isRewardModel(config)) {
    t.graph.output("rewards", rewards(t, config, parameters, segments, selection));
    return t.graph;
  }
  const targets = t.graph.input("targets", "int64", ["M"]);
  t.graph.output("logps", t.tokenLogps(logits(t, config, parameters, segments, selection), targets));
  return t.graph;
}

/** The tokens that a row selects: indices in the batch; for a policy also the tokens that they predict. */
export interface Reading {
  index: number[];
  targets?: readonly number[];
}

/** `at`: index in the batch of the answer's token number `offset`; −1 is the prompt's last token. */
export type Read<Row> = (row: Row, at: (offset: number) => number) => Reading;

export const answerOf = ({ ids, promptLength }: Sequence): readonly number[] => ids.slice(promptLength);

/** A batch's inputs, and the number of values of each row. */
export function encode<Row extends Sequence>(
  groups: readonly Group<Row>[],
  read: Read<Row>,
): { feeds: Encoded; counts: { at: number; count: number }[] } {
  const { tensors, starts } = arrangeSegments(
    groups.map(({ prompt, rows }) => ({ prompt, answers: rows.map(({ row }) => answerOf(row)) })),
    ROW_BUCKETS,
  );
  const index: number[] = [];
  /** Only a policy's graph has this input. */
  const targets: number[] = [];
  const counts = groups.flatMap(({ prompt, rows }, group) =>
    rows.map(({ row, at }, answer) => {
      const { prompt: promptStart, answers } = starts[group]!;
      const reading = read(row, (offset) =>
        offset < 0 ? promptStart + prompt.length - 1 : answers[answer]! + offset,
      );
      index.push(...reading.index);
      targets.push(...(reading.targets ?? []));
      return { at, count: reading.index.length };
    }),
  );
  return {
    feeds: { ...tensors, index: int64(index), ...(targets.length > 0 && { targets: int64(targets) }) },
    counts,
  };
}
