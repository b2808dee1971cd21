// The rows of a ledger in memory, each checked as it is added.
import { RatchetError } from "../errors/index.ts";
import { canonicalDigest, sha256 } from "./canonical.ts";
import { parseExact } from "./exact-json.ts";
import { RESTORE } from "./ledger-errors.ts";
import type { Digest, Row } from "./types.ts";

/** The first rows of a ledger, each checked against its seal and the row before it. */
export class Chain {
  readonly rows: Row<unknown>[] = [];
  /** Of each row's bytes. */
  readonly digests: Digest[] = [];
  epoch = 0;
  private readonly byId = new Map<string, Row<unknown>>();
  private readonly campaignId: string;

  constructor(campaignId: string) {
    this.campaignId = campaignId;
  }

  get count(): number {
    return this.rows.length;
  }

  get last(): Digest | null {
    return this.digests.at(-1) ?? null;
  }

  row<E>(id: string): Row<E> | undefined {
    return this.byId.get(id) as Row<E> | undefined;
  }

  add(bytes: Uint8Array): void {
    const row = this.checked(bytes);
    this.rows.push(row);
    if (!this.byId.has(row.id)) this.byId.set(row.id, row);
    this.digests.push(sha256(bytes));
    this.epoch = Math.max(this.epoch, row.epoch);
  }

  private checked(bytes: Uint8Array): Row<unknown> {
    const n = this.count;
    const { seal, ...row } = this.parse(bytes);
    if (typeof row.id !== "string" || !Number.isSafeInteger(row.epoch) || isNothing(row.event))
      throw this.broken("has no id, epoch or event");
    if (seal !== canonicalDigest(row)) throw this.broken("is not what its seal says");
    if (row.n !== n) throw this.broken(`calls itself row ${row.n}`);
    if (row.previous !== this.last)
      throw this.broken(`follows a row of digest ${row.previous}, but row ${n - 1} has ${this.last}`);
    return row;
  }

  private parse(bytes: Uint8Array): Row<unknown> & { seal?: Digest } {
    try {
      return parseExact(bytes) as unknown as Row<unknown> & { seal?: Digest };
    } catch (cause) {
      throw this.broken(`cannot be read: ${(cause as Error).message}`, cause);
    }
  }

  private broken(what: string, cause?: unknown): RatchetError {
    return new RatchetError(
      "ledger_broken",
      `row ${this.count} of the ledger of ${this.campaignId} ${what}`,
      { hint: RESTORE, cause },
    );
  }
}

const isNothing = (event: unknown): boolean => event === null || event === undefined;
