// The text that is signed: a checkpoint (https://c2sp.org/tlog-checkpoint) of a ledger. Its root is that of
// the RFC 6962 tree whose leaves are the bytes of the rows. Lines of our own follow: the head, the time, and
// the first digits of each row's digest, which tell the row that was changed.
import { createHash } from "node:crypto";
import { isCampaignId } from "../../campaign/ids.ts";
import type { Digest } from "../../campaign/types.ts";
import { invalid } from "./note.ts";

export interface Checkpoint {
  campaignId: string;
  /** Digest of row 0, in 16 digits: tells the campaign from others of its id, also in a copied store. */
  first: string;
  size: number;
  /** Base64. */
  root: string;
  head: Digest;
  at: string;
  /** The first 8 digits of each row's digest. */
  prints: string[];
}

const FIRST_DIGITS = 16;
const PRINT_DIGITS = 8;

export const printOf = (digest: Digest): string => digest.slice(0, PRINT_DIGITS);

/** `digests`: of `rows`, in order. */
export function checkpointOf(
  campaignId: string,
  rows: readonly Uint8Array[],
  digests: readonly Digest[],
  at: Date,
): Checkpoint {
  return {
    campaignId,
    first: digests[0]!.slice(0, FIRST_DIGITS),
    size: rows.length,
    root: treeRoot(rows).toString("base64"),
    head: digests.at(-1)!,
    at: at.toISOString(),
    prints: digests.map(printOf),
  };
}

export const checkpointText = ({ campaignId, first, size, root, head, at, prints }: Checkpoint): string =>
  [`ratchet/${campaignId}/${first}`, size, root, `head ${head}`, `time ${at}`, `rows ${prints.join(" ")}`]
    .map((line) => `${line}\n`)
    .join("");

/** Of a text whose signature is good. */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = "", size = "", root = "", ...more] = text.split("\n");
  const [, campaignId = "", first = ""] = /^ratchet\/([^/]+)\/([0-9a-f]{16})$/.exec(origin) ?? [];
  const line = (name: string): string =>
    more.find((one) => one.startsWith(`${name} `))?.slice(name.length + 1) ?? "";
  const found: Checkpoint = {
    campaignId,
    first,
    size: Number(size),
    root,
    head: line("head"),
    at: line("time"),
    prints: line("rows").split(" "),
  };
  if (!isCampaignId(campaignId) || found.prints.length !== found.size || checkpointText(found) !== text)
    throw invalid("is not of a ledger");
  return found;
}

/** RFC 6962, section 2.1: the root of at least one leaf. */
export function treeRoot(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves;
  if (leaves.length === 1) return hashOf(0, only!);
  let half = 1;
  while (2 * half < leaves.length) half *= 2;
  return hashOf(1, treeRoot(leaves.slice(0, half)), treeRoot(leaves.slice(half)));
}

const hashOf = (kind: 0 | 1, ...parts: Uint8Array[]): Buffer => {
  const hash = createHash("sha256").update(Buffer.from([kind]));
  for (const part of parts) hash.update(part);
  return hash.digest();
};
