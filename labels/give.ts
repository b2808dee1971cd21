// Gives a label: the labeler's own slot or extra gets a new revision, else a free slot is taken, else the
// label becomes an extra. Each write is conditional, so two people can never have one slot. The same label
// given twice is one.
import { RatchetError } from "../errors/index.ts";
import type { Given, Label } from "../campaign/labeling/types.ts";
import type { LabelAt } from "../campaign/ids.ts";
import type { Store } from "../store/types.ts";
import { faultOf } from "./fault.ts";
import { createLabel } from "./label.ts";
import { nameOf } from "./decided.ts";
import type { Decided } from "./decided.ts";
import { readSeal } from "./questionnaires.ts";
import type { Questionnaire, Sealed } from "./questionnaires.ts";
import { byRowName, isWithdrawn, keyAt, labelsAt, newest, readLabels, stateOf } from "./standing.ts";
import type { LabelState, StoredLabel } from "./standing.ts";
import { sealedRows } from "./seal-rows.ts";

/** `same`: the labeler had given it already. `older`: the labeler has given a newer one. */
export type Outcome = LabelState | "same" | "older";

/** `withdrawn`: a file has a label again that was withdrawn. */
type Unwritten = "same" | "older" | "withdrawn";

/** Other writers of one comparison may be faster this many times in a row. */
const TRIES = 1_000;
/**
 * The seal is looked for this often while many labels are given. A label that was written after the seal is
 * late in any case, because the seal does not list it.
 */
const LOOK_MS = 1_000;

/** Gives one label. Throws label_invalid. */
export async function giveLabel(
  store: Store,
  questionnaire: Questionnaire,
  given: Given,
  decided: Decided,
  isAbandoned = false,
): Promise<Outcome> {
  const fault = faultOf(questionnaire, given);
  if (fault) throw new RatchetError("label_invalid", `a label ${fault}`);
  const giver = new Giver(store, questionnaire, decided, { skipOlder: false, isAbandoned });
  return giver.give(given);
}

/** Gives labels of one questionnaire; remembers who has which slot, so that each costs one write. */
export class Giver {
  private readonly store: Store;
  private readonly questionnaire: Questionnaire;
  private readonly decided: Decided;
  /** Skip a label that is not newer than its labeler's newest: a file that is imported again. */
  private readonly skipOlder: boolean;
  /** Nobody will close the questionnaire (labels/asking.ts), so all labels are late. */
  private readonly isAbandoned: boolean;
  private known: Map<number, LabelAt[]> | undefined;
  private seal: { found: Sealed | undefined; lookedAtMs: number } | undefined;
  /** The last label of each comparison that is being given. */
  private readonly running = new Map<number, Promise<unknown>>();

  constructor(
    store: Store,
    questionnaire: Questionnaire,
    decided: Decided,
    { skipOlder, isAbandoned = false }: { skipOlder: boolean; isAbandoned?: boolean },
  ) {
    this.store = store;
    this.questionnaire = questionnaire;
    this.decided = decided;
    this.skipOlder = skipOlder;
    this.isAbandoned = isAbandoned;
  }

  /** Lists all labels once, so that no comparison need be listed by itself. */
  async listAll(): Promise<void> {
    this.known = new Map();
    for (const at of await labelsAt(this.store, this.questionnaire)) this.remember(at);
  }

  /** The labels of one comparison are given one after the other. */
  give(given: Given): Promise<Outcome> {
    const { comparison } = given;
    const before = this.running.get(comparison) ?? Promise.resolve();
    const giving = before.catch(() => undefined).then(() => this.giveNow(given));
    const ended = giving
      .catch(() => undefined)
      .then(() => {
        if (this.running.get(comparison) === ended) this.running.delete(comparison);
      });
    this.running.set(comparison, ended);
    return giving;
  }

  private async giveNow(given: Given): Promise<Outcome> {
    const { comparison } = given;
    let labels = this.known
      ? (this.known.get(comparison) ?? [])
      : await labelsAt(this.store, this.questionnaire, comparison);
    for (let tries = 0; tries < TRIES; tries += 1) {
      const next = await this.next(given, labels);
      if (typeof next === "string") return next;
      const isLate = this.isAbandoned || (await this.sealed(LOOK_MS)) !== undefined;
      const label = this.labelOf(given, next, isLate);
      const key = keyAt(this.questionnaire, next);
      if ((await createLabel(this.store.backend, key, label)) === "created") {
        this.remember(next);
        return this.state({ at: next, label });
      }
      labels = await labelsAt(this.store, this.questionnaire, comparison);
      this.known?.set(comparison, labels);
    }
    throw new RatchetError(
      "ledger_contended",
      `others labeled comparison ${comparison} of ${this.questionnaire.place} ${TRIES} times in a row`,
    );
  }

  /** Where the label goes, or why nothing need be written. */
  private async next(given: Given, labels: readonly LabelAt[]): Promise<LabelAt | Unwritten> {
    const { comparison, labeler } = given;
    const { withdrawn } = this.decided;
    const current: StoredLabel[] = [];
    for await (const stored of readLabels(this.store, this.questionnaire, newest(labels)))
      current.push(stored);
    const mine = current.find(({ label }) => label.labeler === labeler);
    if (mine) {
      const unwritten = this.unwritten(mine, given);
      return unwritten ?? this.unused({ ...mine.at, revision: mine.at.revision + 1 });
    }
    if (given.choice === null && !given.api) return "same";
    for (let slot = 0; slot < this.questionnaire.result.perComparison; slot += 1) {
      const taken = current.find(({ at }) => at.slot === slot);
      // A label that was taken back or withdrawn leaves its slot to others.
      if (!taken || taken.label.choice === null || isWithdrawn(taken, withdrawn))
        return this.unused({ comparison, slot, revision: taken ? taken.at.revision + 1 : 0 });
    }
    return this.unused({ comparison, slot: { extra: labeler }, revision: 0 });
  }

  /** `mine`: the labeler's newest label. Undefined if `given` replaces it. */
  private unwritten(mine: StoredLabel, given: Given): Unwritten | undefined {
    if (!isWithdrawn(mine, this.decided.withdrawn)) {
      if (isSame(mine.label, given)) return "same";
      return this.skipOlder && given.at <= mine.label.at ? "older" : undefined;
    }
    if (given.choice === null) return "same";
    // A file that is imported again brings no withdrawn label back. Whoever gives it anew does.
    const isOld = given.at <= mine.label.at || isSame(mine.label, given);
    return this.skipOlder && isOld ? "withdrawn" : undefined;
  }

  /** A withdrawn label may have been damaged and deleted. Another with its name would be withdrawn too. */
  private unused(at: LabelAt): LabelAt {
    const { digest } = this.questionnaire;
    let { revision } = at;
    while (this.decided.withdrawn.has(nameOf(digest, { ...at, revision }))) revision += 1;
    return { ...at, revision };
  }

  private labelOf(given: Given, { slot, revision }: LabelAt, late: boolean): Label {
    return {
      schema: "ratchet.labels/1",
      questionnaire: this.questionnaire.digest,
      slot: typeof slot === "number" ? slot : undefined,
      revision,
      ...given,
      late: late ? true : undefined,
    };
  }

  /** A seal that was made meanwhile lists the label, or the label is late. */
  private async state(stored: StoredLabel): Promise<Outcome> {
    if (stored.label.late) return "late";
    const seal = await this.sealed(this.known ? LOOK_MS : 0);
    return stateOf(stored, seal && byRowName(await sealedRows(this.store, seal)), this.decided.withdrawn);
  }

  /** Undefined if nobody had sealed the questionnaire when it was last looked at, at most `ageMs` ago. */
  private async sealed(ageMs: number): Promise<Sealed | undefined> {
    const { found, lookedAtMs = -Infinity } = this.seal ?? {};
    if (found || performance.now() - lookedAtMs < ageMs) return found;
    this.seal = {
      lookedAtMs: performance.now(),
      found: await readSeal(this.store, this.questionnaire, this.decided.repairs),
    };
    return this.seal.found;
  }

  private remember(at: LabelAt): void {
    if (!this.known) return;
    const labels = this.known.get(at.comparison);
    if (labels) labels.push(at);
    else this.known.set(at.comparison, [at]);
  }
}

const isSame = (label: Label, given: Given): boolean =>
  label.choice === given.choice &&
  label.strength === given.strength &&
  label.note === given.note &&
  label.api?.asked.length === given.api?.asked.length;
