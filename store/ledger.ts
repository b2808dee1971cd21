// The ledger: row n is the object <n>.json, created conditionally, holding its epoch, its event id and the digest of row n−1. One writer
// at a time by epoch, any number of readers; an append that finds its id is done already.
import { again } from "./again.ts";
import { canonicalDigest, sha256 } from "./canonical.ts";
import { ArtifactError, LeaseLost } from "./errors.ts";
import { ledgerKey, ledgerPrefix } from "./layout.ts";
import type { Backend, Digest, Ledger, NewRow, Row } from "./types.ts";

/** Writers that meet at the tail try again; more than this many times in a row is no race any more. */
const TRIES = 1_000;

export function openLedger(backend: Backend, campaignId: string): Ledger {
  const read = <E>(): Promise<{ rows: Row<E>[]; last: Digest | null }> => again(() => readOnce<E>());

  async function readOnce<E>(): Promise<{ rows: Row<E>[]; last: Digest | null }> {
    const keys: string[] = [];
    for await (const key of backend.list(ledgerPrefix(campaignId))) keys.push(key);
    // Keys are listed, so that a row that is gone is not taken for the end.
    const stored = await Promise.all(keys.map((_, n) => backend.get(ledgerKey(campaignId, n))));
    const rows: Row<E>[] = [];
    let last: Digest | null = null;
    for (const [n, bytes] of stored.entries()) {
      if (!bytes) throw missingRow(campaignId, n, keys);
      rows.push(checked<E>(campaignId, n, last, bytes));
      last = sha256(bytes);
    }
    return { rows, last };
  }

  /** `refuses`: asked again for each tail that the row would follow. */
  async function add<E>(row: Omit<NewRow<E>, "epoch">, epochOf: (highest: number) => number, refuses: (rows: Row<E>[]) => boolean = () => false): Promise<Row<E> | undefined> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      const { rows, last } = await read<E>();
      const done = rows.find(({ id }) => id === row.id);
      if (done) return done;
      if (refuses(rows)) return undefined;
      const highest = rows.reduce((epoch, other) => Math.max(epoch, other.epoch), 0);
      const next: Row<E> = { schema: "ratchet.ledger/1", n: rows.length, epoch: epochOf(highest), ...row, previous: last, at: new Date().toISOString() };
      // The chain covers every row but the last; the seal covers that one too.
      const bytes = new TextEncoder().encode(`${JSON.stringify({ ...next, seal: canonicalDigest(next) })}\n`);
      if ((await backend.putIfAbsent(ledgerKey(campaignId, next.n), bytes)) === "created") return next;
    }
    throw new ArtifactError("ledger_contended", `the ledger of ${campaignId} was written by others ${TRIES} times in a row`);
  }

  return {
    read: async <E>() => (await read<E>()).rows,
    append: async <E>(row: NewRow<E>) =>
      (await add(row, (highest) => {
        if (highest > row.epoch) throw new LeaseLost(`campaign ${campaignId} was taken over: epoch ${highest}, this run has ${row.epoch}`);
        return row.epoch;
      })) as Row<E>,
    takeOver: (row, refuses) => add(row, (highest) => highest + 1, refuses),
  };
}

function checked<E>(campaignId: string, n: number, previous: Digest | null, bytes: Uint8Array): Row<E> {
  const broken = (what: string, cause?: unknown): ArtifactError =>
    new ArtifactError("ledger_broken", `row ${n} of the ledger of ${campaignId} ${what}`, { hint: "restore the row's object from a backup; `ratchet verify` lists all damage", cause });
  const { seal, ...rest } = parse<E>(bytes, broken);
  const row = rest as Row<E>;
  if (seal !== canonicalDigest(row)) throw broken("is not what its seal says");
  if (row.n !== n) throw broken(`calls itself row ${row.n}`);
  if (row.previous !== previous) throw broken(`follows a row of digest ${row.previous}, but row ${n - 1} has ${previous}`);
  return row;
}

function parse<E>(bytes: Uint8Array, broken: (what: string, cause: unknown) => ArtifactError): Row<E> & { seal?: Digest } {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as Row<E> & { seal?: Digest };
  } catch (cause) {
    throw broken("is no JSON", cause);
  }
}

const missingRow = (campaignId: string, n: number, keys: string[]): ArtifactError =>
  new ArtifactError("ledger_broken", `row ${n} of the ledger of ${campaignId} is gone, but ${keys.at(-1)} is there`, { hint: "restore the row's object from a backup; `ratchet verify` lists all damage" });

export async function* campaignIds(backend: Backend): AsyncGenerator<string> {
  const first = /^campaigns\/([^/]+)\/ledger\/0{12}\.json$/;
  for await (const key of backend.list("campaigns/")) {
    const id = first.exec(key)?.[1];
    if (id) yield id;
  }
}

