// Best and worst of n candidates from comparisons of two. Winners are compared with winners until the best is
// left, after n − 1 comparisons. The candidates that lost their first comparison may be the worst; among
// them, losers are compared with losers. Eight candidates need 7 + 3 comparisons; all pairs would need 28.
// The order between best and worst is rough.

export interface Comparison {
  first: number;
  second: number;
}

/**
 * One group's comparisons by round: ask for `round()`, give the answers to `settle`, until a round is empty.
 */
export class Knockout {
  private readonly standing: number[];
  private readonly won = new Set<number>();
  private upper: number[];
  private lower: number[] = [];
  private rounds = { upper: 0, lower: 0 };

  constructor(candidates: number) {
    this.standing = Array.from({ length: candidates }, () => 0);
    this.upper = this.standing.map((_, candidate) => candidate);
  }

  round(): Comparison[] {
    const { players } = this.bracket();
    return Array.from({ length: Math.floor(players.length / 2) }, (_, pair) => ({
      first: players[2 * pair]!,
      second: players[2 * pair + 1]!,
    }));
  }

  /**
   * `probabilities[i]`: P(the first of comparison i is better). At ½ the earlier candidate counts as better.
   */
  settle(probabilities: readonly number[]): void {
    const { players, name } = this.bracket();
    // Two candidates that are equally good have no best and no worst.
    if (this.standing.length === 2 && probabilities[0] === 0.5) {
      this.upper = [];
      return;
    }
    const outcomes = this.round().map(({ first, second }, i) => {
      const firstWins = probabilities[i]! === 0.5 ? first < second : probabilities[i]! > 0.5;
      return firstWins ? { better: first, worse: second } : { better: second, worse: first };
    });
    // An unpaired candidate moves to the next round and is paired first there.
    const unpaired = players.length % 2 === 1 ? [players.at(-1)!] : [];
    if (name === "upper") this.goUp(outcomes, unpaired);
    else this.goDown(outcomes, unpaired);
  }

  /** By candidate: one best above all others, one worst below all others; 0 if nothing was compared. */
  standings(): number[] {
    return [...this.standing];
  }

  private bracket(): { name: "upper" | "lower"; players: number[] } {
    return this.upper.length > 1
      ? { name: "upper", players: this.upper }
      : { name: "lower", players: this.lower };
  }

  private goUp(outcomes: { better: number; worse: number }[], unpaired: number[]): void {
    this.rounds.upper++;
    for (const { better, worse } of outcomes) {
      if (this.won.has(worse)) this.standing[worse] = this.rounds.upper - 1;
      else this.lower.push(worse);
      this.won.add(better);
    }
    this.upper = [...unpaired, ...outcomes.map(({ better }) => better)];
    if (this.upper.length > 1) return;
    this.standing[this.upper[0]!] = this.rounds.upper;
    for (const candidate of this.lower) this.standing[candidate] = -1;
  }

  private goDown(outcomes: { better: number; worse: number }[], unpaired: number[]): void {
    this.rounds.lower++;
    this.lower = [...unpaired, ...outcomes.map(({ worse }) => worse)];
    for (const candidate of this.lower) this.standing[candidate] = -1 - this.rounds.lower;
  }
}

/** All groups at once, so that each round is one batch. `sizes`: candidates of each group. */
export async function knockOut(
  sizes: readonly number[],
  ask: (comparisons: (Comparison & { group: number })[]) => Promise<number[]>,
): Promise<number[][]> {
  const groups = sizes.map((size) => new Knockout(size));
  for (;;) {
    const rounds = groups.map((group) => group.round());
    const asked = rounds.flatMap((comparisons, group) =>
      comparisons.map((comparison) => ({ ...comparison, group })),
    );
    if (asked.length === 0) return groups.map((group) => group.standings());
    const answers = await ask(asked);
    let from = 0;
    for (const [group, comparisons] of rounds.entries()) {
      if (comparisons.length > 0) groups[group]!.settle(answers.slice(from, (from += comparisons.length)));
    }
  }
}
