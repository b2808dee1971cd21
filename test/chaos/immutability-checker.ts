// Reads every ledger row, manifest and label when it is committed, and again at the end. Its bytes must be
// the same both times. The check does not depend on the product's own verification.
import { createHash } from "node:crypto";
import type { Backend } from "../../store/types.ts";

const COMMITTED = /^campaigns\/[^/]+\/(ledger|results|labels)\//;

export class ImmutabilityChecker {
  readonly problems: string[] = [];
  private readonly seen = new Map<string, string>();
  private readonly backend: Backend;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /**
   * Called while the writer waits. If the store does not answer, the key is skipped; a later call may still
   * record it.
   */
  async record(key: string): Promise<void> {
    if (!COMMITTED.test(key)) return;
    const digest = await this.digest(key).catch(() => undefined);
    if (digest === undefined) return;
    const first = this.seen.get(key);
    if (first === undefined) this.seen.set(key, digest);
    else if (first !== digest) this.problems.push(`${key} was overwritten`);
  }

  /** After a power failure, unsynced objects may be gone and may be created again. */
  async forgetLost(): Promise<void> {
    for (const key of this.seen.keys()) if ((await this.digest(key)) === undefined) this.seen.delete(key);
  }

  async atTheEnd(): Promise<string[]> {
    for (const [key, first] of this.seen) {
      const digest = await this.digest(key);
      if (digest === undefined) this.problems.push(`${key} is gone`);
      else if (digest !== first) this.problems.push(`${key} has other bytes than when it was committed`);
    }
    return [...new Set(this.problems)];
  }

  private async digest(key: string): Promise<string | undefined> {
    const bytes = await this.backend.get(key);
    return bytes && createHash("sha256").update(bytes).digest("hex");
  }
}
