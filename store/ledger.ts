// The ledger. Row n is the object <n>.json, created with a conditional write. It holds its epoch, its event
// id and the digest of row n−1. The epoch allows one writer at a time; readers may be many. An append whose
// id exists changes nothing.
import { RatchetError } from "../errors/index.ts";
import { again } from "./again.ts";
import { canonicalDigest } from "./canonical.ts";
import { exactBytes } from "./exact-json.ts";
import { CAMPAIGNS_PREFIX, ledgerKey, ledgerPrefix } from "./layout.ts";
import { Chain } from "./ledger-chain.ts";
import { ledgerGone, missingRow, RESTORE } from "./ledger-errors.ts";
import type { Backend, Ledger, NewRow, Row, SealedRows } from "./types.ts";

/** A writer that finds a new last row tries again, at most this many times in a row. */
const TRIES = 1_000;
/** Rows read at once. */
const AT_ONCE = 32;

export const openLedger = (backend: Backend, campaignId: string): Ledger =>
  new CampaignLedger(backend, campaignId);

/**
 * One campaign's ledger. It remembers the rows that it has read, so that an append reads only later ones. The
 * conditional write alone decides whether an append succeeds, never the memory.
 */
class CampaignLedger implements Ledger {
  private readonly backend: Backend;
  private readonly campaignId: string;
  private chain: Chain;

  constructor(backend: Backend, campaignId: string) {
    this.backend = backend;
    this.campaignId = campaignId;
    this.chain = new Chain(campaignId);
  }

  async read<E>(): Promise<Row<E>[]> {
    return (await this.readSealed<E>()).rows;
  }

  readSealed<E>(): Promise<SealedRows<E>> {
    return this.readFrom(() => new Chain(this.campaignId));
  }

  async follow<E>(): Promise<Row<E>[]> {
    return (await this.readFrom<E>(() => this.chain)).rows;
  }

  async append<E>(row: NewRow<E>): Promise<Row<E>> {
    const epochOf = (highest: number): number => {
      if (highest > row.epoch)
        throw new RatchetError(
          "lease_lost",
          `campaign ${this.campaignId} was taken over: epoch ${highest}, this run has ${row.epoch}`,
        );
      return row.epoch;
    };
    return (await this.add(row, epochOf)) as Row<E>;
  }

  takeOver<E>(
    row: Omit<NewRow<E>, "epoch">,
    refuses?: (rows: Row<E>[]) => boolean,
  ): Promise<Row<E> | undefined> {
    return this.add(row, (highest) => highest + 1, refuses);
  }

  private async readFrom<E>(start: () => Chain): Promise<SealedRows<E>> {
    const chain = await this.latest(start());
    return { rows: [...chain.rows] as Row<E>[], digests: [...chain.digests] };
  }

  /** The ledger of today. Rows that this process has read do not all disappear, unless their store did. */
  private async latest(from: Chain): Promise<Chain> {
    const chain = await again(() => this.toEnd(from));
    if (chain.count === 0 && this.chain.count > 0) throw ledgerGone(this.backend, this.campaignId);
    this.chain = chain;
    return chain;
  }

  /** `refuses`: called again for each last row that the new one would follow. */
  private async add<E>(
    row: Omit<NewRow<E>, "epoch">,
    epochOf: (highest: number) => number,
    refuses: (rows: Row<E>[]) => boolean = () => false,
  ): Promise<Row<E> | undefined> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const tail = await this.latest(this.chain);
      const { count, last, epoch } = tail;
      if (count === 0 && !mayBegin(row.event)) throw ledgerGone(this.backend, this.campaignId);
      const done = tail.row<E>(row.id);
      if (done) return done;
      if (refuses(tail.rows as Row<E>[])) return undefined;
      const next: Row<E> = {
        schema: "ratchet.ledger/1",
        n: count,
        epoch: epochOf(epoch),
        ...row,
        previous: last,
        at: new Date().toISOString(),
      };
      // The chain protects every row but the last; the seal protects that one too.
      const bytes = exactBytes({ ...next, seal: canonicalDigest(next) });
      const outcome = await this.backend.putIfAbsent(ledgerKey(this.campaignId, next.n), bytes);
      if (outcome !== "created") continue; // another writer was first, and its row is read next
      if (tail.count === count) tail.add(bytes);
      return next;
    }
    throw new RatchetError(
      "ledger_contended",
      `the ledger of ${this.campaignId} was written by others ${TRIES} times in a row`,
    );
  }

  /** Undefined if there is no such row. */
  private bytesOf(n: number): Promise<Uint8Array | undefined> {
    return this.backend.get(ledgerKey(this.campaignId, n)).catch((cause: unknown) => {
      if ((cause as Partial<RatchetError>).code !== "artifact_corrupt") throw cause;
      const why = `row ${n} of the ledger of ${this.campaignId} cannot be read: ${(cause as Error).message}`;
      throw new RatchetError("ledger_broken", why, { hint: RESTORE, cause });
    });
  }

  /** False for other files in the folder, such as an editor's backup or a file manager's index. */
  private isRow(key: string): boolean {
    return /^\d{12}\.json$/.test(key.slice(ledgerPrefix(this.campaignId).length));
  }

  /**
   * Reads to the end of the ledger. It lists the keys, because otherwise a missing row would look like the
   * end.
   */
  private async toEnd(chain: Chain): Promise<Chain> {
    const { count } = chain;
    const keyOf = (n: number): string => ledgerKey(this.campaignId, n);
    // List the last known row again: if it is gone, the rows that were read are no longer the store's.
    const keys: string[] = [];
    const after = count > 1 ? keyOf(count - 2) : undefined;
    for await (const key of this.backend.list(ledgerPrefix(this.campaignId), after))
      if (this.isRow(key)) keys.push(key);
    if (count > 0 && keys.shift() !== keyOf(count - 1)) return this.toEnd(new Chain(this.campaignId));
    for (let at = 0; at < keys.length; at += AT_ONCE) {
      const numbers = keys.slice(at, at + AT_ONCE).map((_, offset) => count + at + offset);
      const stored = await Promise.all(numbers.map((n) => this.bytesOf(n)));
      for (const [offset, bytes] of stored.entries()) {
        const n = numbers[offset] as number;
        if (!bytes) throw missingRow(this.campaignId, n, keys);
        // Another append of this process may have added the row meanwhile.
        if (n === chain.count) chain.add(bytes);
      }
    }
    return chain;
  }
}

/** Only `created` begins a campaign. An event without a type is not of a campaign, and may be row 0 too. */
const mayBegin = (event: unknown): boolean => {
  const { type = "created" } = (event ?? {}) as { type?: unknown };
  return type === "created";
};

/** Ids of folders that have a first row. A folder without one was never a campaign, or was emptied. */
export async function* campaignIds(backend: Backend): AsyncGenerator<string> {
  for await (const id of backend.folders(CAMPAIGNS_PREFIX))
    if (await backend.stat(ledgerKey(id, 0))) yield id;
}
