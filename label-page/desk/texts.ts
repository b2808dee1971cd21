// The texts of a questionnaire's comparisons, as bytes of its blob: 5,000 comparisons of two answers of 4,000
// tokens are about 160 MB, so a text is parsed when it is shown.
import { setImmediate } from "node:timers/promises";
import type { ComparisonRow } from "../../campaign/labeling/types.ts";
import { linesOf } from "../../campaign/rows/json-lines.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import type { Store } from "../../store/types.ts";

/** Lines that are parsed before other requests are answered. */
const LINES_AT_ONCE = 50;
/** The rest that an erasure left has no address of its own, so it is read again after this. */
const REST_MS = 10_000;

export class Texts {
  private readonly store: Store;
  private readonly questionnaire: Questionnaire;
  private lines: Promise<Map<number, Uint8Array>> | undefined;
  private isWhole = false;
  private loadedAtMs = 0;

  constructor(store: Store, questionnaire: Questionnaire) {
    this.store = store;
    this.questionnaire = questionnaire;
  }

  /** Undefined if the prompt was erased. */
  async read(comparison: number): Promise<ComparisonRow | undefined> {
    if (!(await this.isCurrent())) this.lines = undefined;
    const line = (await this.load()).get(comparison);
    return line && (JSON.parse(new TextDecoder().decode(line)) as ComparisonRow);
  }

  /** Numbers of the comparisons that were not erased. */
  async numbers(): Promise<ReadonlySet<number>> {
    return new Set((await this.load()).keys());
  }

  /** An erasure replaces the blob by the rows that it leaves. */
  private async isCurrent(): Promise<boolean> {
    if (this.isWhole) return this.store.hasBlob(this.questionnaire.result.comparisons);
    return performance.now() - this.loadedAtMs < REST_MS;
  }

  private load(): Promise<Map<number, Uint8Array>> {
    this.lines ??= this.index().catch((error: unknown) => {
      this.lines = undefined;
      throw error;
    });
    return this.lines;
  }

  private async index(): Promise<Map<number, Uint8Array>> {
    const { comparisons, count } = this.questionnaire.result;
    const lines = new Map<number, Uint8Array>();
    for (const line of linesOf(await this.store.getRemainder(comparisons))) {
      const { comparison } = JSON.parse(new TextDecoder().decode(line)) as ComparisonRow;
      lines.set(comparison, line);
      if (lines.size % LINES_AT_ONCE === 0) await setImmediate();
    }
    this.isWhole = lines.size === count;
    this.loadedAtMs = performance.now();
    return lines;
  }
}
