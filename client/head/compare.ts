// Holds the stored rows of a ledger against a signed checkpoint, and names what was done to them. It reads
// the rows as bytes, because a ledger that was tampered with can often not be read as one.
import type { Digest } from "../../campaign/types.ts";
import type { RatchetError } from "../../errors/index.ts";
import { sha256 } from "../../store/index.ts";
import { ledgerKey, ledgerPrefix } from "../../store/layout.ts";
import { Chain } from "../../store/ledger-chain.ts";
import type { Store } from "../../store/types.ts";
import { printOf, treeRoot } from "./checkpoint.ts";
import type { Checkpoint } from "./checkpoint.ts";

export interface Finding {
  name: "edited" | "removed" | "reordered" | "forged" | "cut";
  /** The first row that is not as it was signed. */
  row: number;
  message: string;
}

interface StoredRow {
  bytes: Uint8Array;
  digest: Digest;
}

type StoredRows = ReadonlyMap<number, StoredRow>;

/** Undefined if the rows that were signed are all there, as they were. Later rows do not matter. */
export async function compareRows(store: Store, signed: Checkpoint): Promise<Finding | undefined> {
  const rows = await storedRows(store, signed.campaignId);
  const known = Array.from({ length: signed.size }, (_, n) => rows.get(n)?.bytes);
  if (known.every((bytes) => bytes !== undefined) && treeRoot(known).toString("base64") === signed.root)
    return undefined;
  const differing = signed.prints.findIndex((print, n) => printAt(rows, n) !== print);
  // Somebody can search for a row with the same first digits; the root shows it, but not which row.
  const row = differing < 0 ? signed.size - 1 : differing;
  return findingAt(rows, signed, row);
}

async function storedRows({ backend }: Store, campaignId: string): Promise<StoredRows> {
  const rows = new Map<number, StoredRow>();
  const prefix = ledgerPrefix(campaignId);
  for await (const key of backend.list(prefix)) {
    const n = Number(key.slice(prefix.length, -".json".length));
    if (ledgerKey(campaignId, n) !== key) continue;
    const bytes = await backend.get(key).catch((error: unknown) => {
      if ((error as RatchetError).code !== "artifact_corrupt") throw error;
      return new Uint8Array();
    });
    if (bytes) rows.set(n, { bytes, digest: sha256(bytes) });
  }
  return rows;
}

const printAt = (rows: StoredRows, n: number): string | undefined => {
  const found = rows.get(n);
  return found && printOf(found.digest);
};

function findingAt(rows: StoredRows, signed: Checkpoint, row: number): Finding {
  const { campaignId, size, prints } = signed;
  const last = Math.max(-1, ...rows.keys());
  const told = (name: Finding["name"], what: string): Finding => ({
    name,
    row,
    message: `row ${row} of the ledger of ${campaignId} ${what}`,
  });
  const elsewhere = [...rows.keys()].find((n) => n !== row && printAt(rows, n) === prints[row]);
  const here = prints.indexOf(printAt(rows, row) ?? "");
  if (last < row) {
    const which = size - 1 === row ? `row ${row} was` : `rows ${row} to ${size - 1} were`;
    const message = `${which} cut off at the end of the ledger of ${campaignId}`;
    return { name: "cut", row, message };
  }
  if (elsewhere !== undefined) return told("reordered", `was moved: it is at the place of row ${elsewhere}`);
  if (!rows.has(row)) return told("removed", "was removed");
  if (here >= 0) return told("removed", `was removed: row ${here} is at its place`);
  const broken = chainBreaksAt(rows, campaignId, row);
  if (broken !== undefined) return told("edited", `was edited: ${broken}`);
  return told("forged", "was forged: its seal is good, but it is not the row that was signed");
}

/** Why the row does not follow the rows before it; undefined if it does. */
function chainBreaksAt(rows: StoredRows, campaignId: string, row: number): string | undefined {
  const chain = new Chain(campaignId);
  try {
    for (let n = 0; n <= row; n += 1) chain.add(rows.get(n)!.bytes);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^row \d+ of the ledger of \S+/, "it");
  }
}
