// The ledger: row n is the object <n>.json, created conditionally, holding its epoch, its event id and the digest of row n−1. One writer
// at a time by epoch, any number of readers; an append that finds its id is done already.
import { RatchetError } from "../errors/index.ts";
import { again } from "./again.ts";
import { canonicalDigest, sha256 } from "./canonical.ts";
import { exactBytes, parseExact } from "./exact-json.ts";
import { ledgerKey, ledgerPrefix } from "./layout.ts";
import type { Backend, Digest, Ledger, NewRow, Row } from "./types.ts";

/** Writers that meet at the tail try again; more than this many times in a row is no race any more. */
const TRIES = 1_000;
/** Rows read at once. */
const AT_ONCE = 32;

/**
 * One campaign's ledger. What was read is remembered, so that an append reads only the rows behind it; whether the append succeeds is
 * decided by put-if-absent alone, never by what is remembered.
 */
export function openLedger(backend: Backend, campaignId: string): Ledger {
  let chain = new Chain(campaignId);

  /** Follows the ledger to its end. Keys are listed, so that a row that is gone is not taken for the end. */
  async function follow(from: Chain): Promise<Chain> {
    const { count } = from;
    // The last known row is listed again: where it is gone, the store is not the one that was read.
    const keys: string[] = [];
    for await (const key of backend.list(
      ledgerPrefix(campaignId),
      count > 1 ? ledgerKey(campaignId, count - 2) : undefined,
    ))
      if (isRow(key)) keys.push(key);
    if (count > 0 && keys.shift() !== ledgerKey(campaignId, count - 1)) return follow(new Chain(campaignId));
    for (let at = 0; at < keys.length; at += AT_ONCE) {
      const numbers = keys.slice(at, at + AT_ONCE).map((_, offset) => count + at + offset);
      const stored = await Promise.all(numbers.map((n) => backend.get(ledgerKey(campaignId, n))));
      for (const [offset, bytes] of stored.entries()) {
        const n = numbers[offset] as number;
        if (!bytes) throw missingRow(campaignId, n, keys);
        // Another append of this process may have followed further meanwhile.
        if (n === from.count) from.add(bytes);
      }
    }
    return from;
  }

  /** `refuses`: asked again for each tail that the row would follow. */
  async function add<E>(
    row: Omit<NewRow<E>, "epoch">,
    epochOf: (highest: number) => number,
    refuses: (rows: Row<E>[]) => boolean = () => false,
  ): Promise<Row<E> | undefined> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const tail = (chain = await again(() => follow(chain)));
      const { count, last, epoch } = tail;
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
      // The chain covers every row but the last; the seal covers that one too.
      const bytes = exactBytes({ ...next, seal: canonicalDigest(next) });
      if ((await backend.putIfAbsent(ledgerKey(campaignId, next.n), bytes)) !== "created") continue;
      if (tail.count === count) tail.add(bytes);
      return next;
    }
    throw new RatchetError(
      "ledger_contended",
      `the ledger of ${campaignId} was written by others ${TRIES} times in a row`,
    );
  }

  return {
    async read<E>() {
      chain = await again(() => follow(new Chain(campaignId)));
      return [...chain.rows] as Row<E>[];
    },
    async follow<E>() {
      chain = await again(() => follow(chain));
      return [...chain.rows] as Row<E>[];
    },
    append: async <E>(row: NewRow<E>) =>
      (await add(row, (highest) => {
        if (highest > row.epoch)
          throw new RatchetError(
            "lease_lost",
            `campaign ${campaignId} was taken over: epoch ${highest}, this run has ${row.epoch}`,
          );
        return row.epoch;
      })) as Row<E>,
    takeOver: (row, refuses) => add(row, (highest) => highest + 1, refuses),
  };
}

/** Rows from the first on, each checked against its seal and the row before it. */
class Chain {
  readonly rows: Row<unknown>[] = [];
  /** Digest of the last row's bytes. */
  last: Digest | null = null;
  epoch = 0;
  private readonly byId = new Map<string, Row<unknown>>();
  private readonly campaignId: string;

  constructor(campaignId: string) {
    this.campaignId = campaignId;
  }

  get count(): number {
    return this.rows.length;
  }

  row<E>(id: string): Row<E> | undefined {
    return this.byId.get(id) as Row<E> | undefined;
  }

  add(bytes: Uint8Array): void {
    const row = this.checked(bytes);
    this.rows.push(row);
    if (!this.byId.has(row.id)) this.byId.set(row.id, row);
    this.last = sha256(bytes);
    this.epoch = Math.max(this.epoch, row.epoch);
  }

  private checked(bytes: Uint8Array): Row<unknown> {
    const n = this.count;
    const { seal, ...row } = this.parse(bytes);
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

const RESTORE = "restore the row's object from a backup; `ratchet verify` lists all damage";

const missingRow = (campaignId: string, n: number, keys: string[]): RatchetError =>
  new RatchetError(
    "ledger_broken",
    `row ${n} of the ledger of ${campaignId} is gone, but ${keys.at(-1)} is there`,
    { hint: RESTORE },
  );

/** Whatever else lies in the folder (an editor's backup, a file manager's index) is nobody's row. */
const isRow = (key: string): boolean => /\/\d{12}\.json$/.test(key);

/** Campaigns are folders; one that was never created, or was emptied, has no first row. */
export async function* campaignIds(backend: Backend): AsyncGenerator<string> {
  for await (const id of backend.folders("campaigns/")) if (await backend.stat(ledgerKey(id, 0))) yield id;
}
