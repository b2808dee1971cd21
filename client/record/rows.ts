// Reads the ledger of a campaign. The store has checked the chain of rows; this checks that each row holds an
// event that can be applied, so that no reader fails at a row with a stack.
import { RatchetError } from "../../errors/index.ts";
import { namesIn } from "../../campaign/names.ts";
import { withdrawnLabels } from "../../campaign/labeling/ledger-rules.ts";
import { applyEvent, repairsOf } from "../../campaign/rules.ts";
import type { Digest, LedgerEvent, LedgerRow, Pointer, Restored, Standing } from "../../campaign/types.ts";
import { openLedger } from "../../store/ledger.ts";
import type { Store } from "../../store/types.ts";

export interface ReadRows {
  rows: LedgerRow[];
  /** SHA-256 of each row's bytes. */
  digests: Digest[];
}

export async function readRows(store: Store, campaignId: string): Promise<ReadRows> {
  const { rows, digests } = await store.ledger(campaignId).readSealed<LedgerEvent>();
  refuseMalformed(campaignId, rows as LedgerRow[]);
  return { rows: rows as LedgerRow[], digests };
}

/** The same rows, for who reads many campaigns once: `store` does not remember them. */
export async function readRowsOnce({ backend }: Store, campaignId: string): Promise<LedgerRow[]> {
  const rows = (await openLedger(backend, campaignId).read<LedgerEvent>()) as LedgerRow[];
  refuseMalformed(campaignId, rows);
  return rows;
}

/** The same rows, but reads only those that this process has not read before. */
export async function followRows(store: Store, campaignId: string): Promise<LedgerRow[]> {
  const rows = (await store.ledger(campaignId).follow<LedgerEvent>()) as LedgerRow[];
  refuseMalformed(campaignId, rows);
  return rows;
}

/** The campaign before its first row. */
export const beforeRows = (campaignId: string): Standing => ({
  campaignId,
  status: "created",
  epoch: 0,
  next: { iteration: 1, take: 1 },
  earlier: [],
  baselines: {},
});

/** Throws ledger_broken with the number of the first row that is no row of a campaign. */
function refuseMalformed(campaignId: string, rows: readonly LedgerRow[]): void {
  const standing = beforeRows(campaignId);
  for (const row of rows) {
    const { n, event } = row;
    const { type } = event;
    if (typeof type !== "string") throw broken(campaignId, n, "holds no event");
    if ((n === 0) !== (type === "created"))
      throw broken(
        campaignId,
        n,
        `is ${JSON.stringify(type)}, but the first row, and no other, is "created"`,
      );
    try {
      requireMembers(event);
      applyEvent(standing, event);
      repairsOf([row]);
      withdrawnLabels([row]);
      namesIn(event, "ledger");
    } catch (cause) {
      throw broken(campaignId, n, `holds no event: ${(cause as Error).message}`, cause);
    }
  }
}

/** Members of events that readers take apart. */
function requireMembers(event: LedgerEvent): void {
  const members = event as unknown as Record<string, unknown>;
  const texts = {
    created: ["specDigest", "name"],
    amended: ["specDigest"],
    "iteration-finished": ["policy"],
  } as Record<string, string[] | undefined>;
  for (const name of texts[event.type] ?? [])
    if (typeof members[name] !== "string") throw new TypeError(`it has no text ${name}`);
  if (event.type === "rolled-back") requireRestored(event.restored);
  if (event.type === "amended") requireAmended(event);
  if (event.type.endsWith("-finished") && (typeof members["stages"] !== "object" || !members["stages"]))
    throw new TypeError("it has no stages");
}

function requireRestored({ latest, promoted, earlier, next }: Restored): void {
  const isPointer = (at: Pointer): boolean =>
    Number.isInteger(at.iteration) && Number.isInteger(at.take) && typeof at.policy === "string";
  if (![latest, promoted, ...earlier].every(isPointer) || !Number.isInteger(next.iteration + next.take))
    throw new TypeError("it restores nothing");
}

function requireAmended({ changes, holdsFrom }: LedgerEvent & { type: "amended" }): void {
  if (!Number.isInteger(holdsFrom.iteration + holdsFrom.take)) throw new TypeError("it holds from no place");
  if (!changes.every(({ path }) => typeof path === "string")) throw new TypeError("it names no changes");
}

const broken = (campaignId: string, n: number, what: string, cause?: unknown): RatchetError =>
  new RatchetError("ledger_broken", `row ${n} of the ledger of ${campaignId} ${what}`, {
    hint: "restore the row's object from a backup; `ratchet verify` lists all damage",
    cause,
  });
