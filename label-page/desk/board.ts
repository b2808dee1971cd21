// One questionnaire as its server knows it: who has labeled which comparison. All of it is read from the
// store, and read again before a comparison is offered. So a restart loses nothing, and labels of other
// servers and of imports are seen.
import { labelName } from "../../campaign/ids.ts";
import type { LabelAt } from "../../campaign/ids.ts";
import type { Choice } from "../../campaign/labeling/types.ts";
import type { Asking } from "../../labels/asking.ts";
import { nameOf } from "../../labels/decided.ts";
import type { Withdrawn } from "../../labels/decided.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { labelsAt, newest, readLabels } from "../../labels/standing.ts";
import type { Store } from "../../store/types.ts";
import type { Progress } from "../messages.ts";
import { orderFor } from "./order.ts";
import { Texts } from "./texts.ts";

/** The members of a label that a server needs, of the newest revision of one slot or extra. */
interface Known {
  at: LabelAt;
  labeler: string;
  choice: Choice | null;
}

/** Progress that others make shows after this; offers never rest on it. */
const REFRESH_MS = 10_000;

export class Board {
  readonly questionnaire: Questionnaire;
  readonly texts: Texts;
  /** By the ledger when it was read last. */
  withdrawn: Withdrawn = new Set();
  asking: Asking = "open";
  private readonly store: Store;
  private readonly labelers: readonly string[];
  /** By comparison, then by slot or extra. */
  private readonly known = new Map<number, Map<string, Known>>();
  private readonly orders = new Map<string, readonly number[]>();
  private refreshing: Promise<void> | undefined;
  private refreshedAtMs = -Infinity;

  constructor(store: Store, questionnaire: Questionnaire, labelers: readonly string[]) {
    this.store = store;
    this.questionnaire = questionnaire;
    this.labelers = labelers;
    this.texts = new Texts(store, questionnaire);
  }

  /** The first call reads all labels; a later one starts to read the new ones, and does not wait for them. */
  async refresh(): Promise<void> {
    const isFirst = this.refreshedAtMs === -Infinity;
    if (!this.refreshing && performance.now() - this.refreshedAtMs >= REFRESH_MS)
      this.refreshing = this.readNew().finally(() => (this.refreshing = undefined));
    // A later failure shows in the next offer, which reads the store too.
    if (isFirst) await this.refreshing;
    else this.refreshing?.catch(() => undefined);
  }

  /** The first comparison that the labeler has not labeled and that needs a label; skipped ones come last. */
  async next(labeler: string, skipped: readonly number[]): Promise<number | undefined> {
    const order = this.orderOf(labeler);
    const asked = new Set(order);
    const later = new Set(skipped);
    const candidates = [
      ...order.filter((comparison) => !later.has(comparison)),
      ...[...later].filter((comparison) => asked.has(comparison)),
    ];
    const remaining = await this.texts.numbers();
    for (const comparison of candidates) {
      if (!remaining.has(comparison) || !this.needs(comparison, labeler)) continue;
      await this.look(comparison);
      if (this.needs(comparison, labeler)) return comparison;
    }
    return undefined;
  }

  /** Reads the labels of one comparison again. */
  async look(comparison: number): Promise<void> {
    await this.learn(await labelsAt(this.store, this.questionnaire, comparison));
  }

  progressOf(labeler: string): Progress {
    const { count, perComparison } = this.questionnaire.result;
    let [mine, left, given] = [0, 0, 0];
    for (let comparison = 0; comparison < count; comparison += 1) {
      given += this.takenSlots(comparison);
      if (this.has(comparison, labeler)) mine += 1;
      else if (this.needs(comparison, labeler)) left += 1;
    }
    return { mine, left, given, asked: count * perComparison };
  }

  /** Where the labeler's label of the comparison is stored. */
  placeOfLabel(comparison: number, labeler: string): LabelAt | undefined {
    return this.labelsOf(comparison).find((known) => known.labeler === labeler)?.at;
  }

  private needs(comparison: number, labeler: string): boolean {
    const { perComparison } = this.questionnaire.result;
    return !this.has(comparison, labeler) && this.takenSlots(comparison) < perComparison;
  }

  private has(comparison: number, labeler: string): boolean {
    return this.labelsOf(comparison).some((known) => known.labeler === labeler && this.stands(known));
  }

  private takenSlots(comparison: number): number {
    const { perComparison } = this.questionnaire.result;
    return this.labelsOf(comparison).filter(
      (known) => typeof known.at.slot === "number" && known.at.slot < perComparison && this.stands(known),
    ).length;
  }

  /** Neither taken back nor withdrawn. */
  private stands({ at, choice }: Known): boolean {
    return choice !== null && !this.withdrawn.has(nameOf(this.questionnaire.digest, at));
  }

  private labelsOf(comparison: number): Known[] {
    return [...(this.known.get(comparison)?.values() ?? [])];
  }

  private orderOf(labeler: string): readonly number[] {
    const { digest, result } = this.questionnaire;
    const order =
      this.orders.get(labeler) ??
      orderFor(labeler, { ...result, questionnaire: digest, labelers: this.labelers });
    this.orders.set(labeler, order);
    return order;
  }

  private async readNew(): Promise<void> {
    await this.learn(await labelsAt(this.store, this.questionnaire));
    this.refreshedAtMs = performance.now();
  }

  /** A label never changes, so only revisions that are not known yet are read. */
  private async learn(labels: readonly LabelAt[]): Promise<void> {
    const unknown = newest(labels).filter((at) => {
      const known = this.known.get(at.comparison)?.get(placeOf(at));
      return !known || known.at.revision < at.revision;
    });
    for await (const { at, label } of readLabels(this.store, this.questionnaire, unknown)) {
      const places = this.known.get(at.comparison) ?? new Map<string, Known>();
      places.set(placeOf(at), { at, labeler: label.labeler, choice: label.choice });
      this.known.set(at.comparison, places);
    }
  }
}

const placeOf = (at: LabelAt): string => labelName({ ...at, revision: 0 });
