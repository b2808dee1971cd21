// Which comparisons a questionnaire asks, from the campaign's seed alone.
//
// The audit part is always random pairs of answers to prompts of its own, whatever `choose` says. So its
// agreement with the reward model is a measure of the policy's answers, comparable between iterations, and no
// prompt of it is trained on. The training part takes the other prompts in rounds: one comparison of each
// prompt, then a second one of each, until it has as many as asked.
import { Random } from "../recipe/random.ts";
import { deriveSeed } from "../recipe/seeds.ts";
import type { ChooseBy } from "./types.ts";

export interface Answers {
  promptId: string;
  /** `text`: the answer, or anything that is equal exactly if the answers are. */
  answers: { index: number; text: string; score?: number }[];
}

export interface Asked {
  choose: ChooseBy;
  /** Of the training part and the audit part together. */
  comparisons: number;
  audit: number;
  seed: string;
}

/** Two answers to one prompt, by their index, in the order in which they are asked. */
export interface Chosen {
  promptId: string;
  first: number;
  second: number;
  audit: boolean;
}

/** The order of the result hides which part a comparison belongs to. */
export function chooseComparisons(
  groups: readonly Answers[],
  { choose, comparisons, audit, seed }: Asked,
): { chosen: Chosen[]; identical: number } {
  const distinct = groups.map(withoutCopies);
  const identical = sum(groups) - sum(distinct);
  const usable = shuffled(
    distinct.filter(({ answers }) => answers.length > 1),
    deriveSeed("prompts", seed),
  );
  // As many prompts as the audit's share of the comparisons: both parts then ask a prompt equally often.
  const reserved = audit === 0 ? 0 : Math.max(1, Math.round((usable.length * audit) / comparisons));
  const audited = inRounds(usable.slice(0, reserved), "random", audit, deriveSeed("audit", seed));
  const rest = comparisons - audit;
  const trained = inRounds(usable.slice(reserved), choose, rest, deriveSeed("train", seed));
  const all = [
    ...audited.map((pair) => asChosen(pair, true, seed)),
    ...trained.map((pair) => asChosen(pair, false, seed)),
  ];
  return { chosen: shuffled(all, deriveSeed("order", seed)), identical };
}

interface Pair {
  promptId: string;
  a: number;
  b: number;
  /** Of the scores; 0 without scores. */
  gap: number;
}

const sum = (groups: readonly Answers[]): number => groups.reduce((n, { answers }) => n + answers.length, 0);

/** Without answers whose text an earlier answer to the prompt has: nobody can prefer one of the two. */
function withoutCopies({ promptId, answers }: Answers): Answers {
  const first = new Map<string, Answers["answers"][number]>();
  for (const answer of answers) if (!first.has(answer.text)) first.set(answer.text, answer);
  return { promptId, answers: [...first.values()] };
}

/** Round r takes the r-th pair of each prompt. Only the last round may be cut. */
function inRounds(groups: readonly Answers[], choose: ChooseBy, count: number, seed: string): Pair[] {
  const queues = groups.map((group) => ORDER[choose](group, deriveSeed("pairs", seed, group.promptId)));
  const pairs: Pair[] = [];
  for (let round = 0; pairs.length < count; round += 1) {
    const offered = queues.flatMap((queue) => queue[round] ?? []);
    if (offered.length === 0) break;
    // The sort is stable: without scores the prompts keep their shuffled order.
    if (choose === "uncertain") offered.sort((a, b) => a.gap - b.gap);
    pairs.push(...offered.slice(0, count - pairs.length));
  }
  return pairs;
}

/** All pairs of a prompt that a way to choose would ever ask, the first to ask first. */
const ORDER: Record<ChooseBy, (group: Answers, seed: string) => Pair[]> = {
  random: (group, seed) => shuffled(allPairs(group), seed),
  uncertain: (group, seed) => shuffled(allPairs(group), seed).sort((a, b) => a.gap - b.gap),
  "best-against-rest": ({ promptId, answers }, seed) => {
    const [best, ...others] = [...answers].sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
    if (!best) return [];
    return shuffled(others, seed).map((other) => pairOf(promptId, best, other));
  },
};

function allPairs({ promptId, answers }: Answers): Pair[] {
  return answers.flatMap((a, i) => answers.slice(i + 1).map((b) => pairOf(promptId, a, b)));
}

const pairOf = (promptId: string, a: Answers["answers"][number], b: Answers["answers"][number]): Pair => ({
  promptId,
  a: a.index,
  b: b.index,
  gap: Math.abs((a.score ?? 0) - (b.score ?? 0)),
});

/** A seeded coin decides which answer is first, because labelers favor a position. */
function asChosen({ promptId, a, b }: Pair, audit: boolean, seed: string): Chosen {
  const [low, high] = [Math.min(a, b), Math.max(a, b)];
  const swap = new Random(deriveSeed("order", seed, promptId, low, high)).below(2) === 1;
  return { promptId, first: swap ? high : low, second: swap ? low : high, audit };
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], seed: string): T[] {
  const random = new Random(seed);
  const order = [...items];
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
