// Blobs that name other blobs: trees, results, specs, and JSON of later versions. Everything else (rows,
// modules, weights) names nothing.
import { namesIn } from "../campaign/names.ts";
import type { Name } from "../campaign/names.ts";
import type { Digest, Tree } from "../campaign/types.ts";
import { blobKey } from "../store/layout.ts";
import type { Store } from "../store/types.ts";

/** No document is larger. */
const DOCUMENT_BYTES_MAX = 64 * 1024 ** 2;

/** The JSON object that a blob holds; undefined for other bytes. */
export function documentOf(bytes: Uint8Array): object | undefined {
  if (bytes[0] !== 0x7b /* { */) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as object;
  } catch {
    return undefined;
  }
}

export const isTree = (document: object | undefined): document is Tree =>
  (document as Partial<Tree> | undefined)?.schema === "ratchet.tree/1";

/**
 * Whether a line feed ends the blob. It ends every row, so also a list of one row, which otherwise looks like
 * a document.
 */
export const isRows = (bytes: Uint8Array): boolean => bytes.at(-1) === 0x0a;

/** Undefined if the blob is missing, or too large to be a document. */
export async function readSmallBlob(store: Store, digest: Digest): Promise<Uint8Array | undefined> {
  const found = await store.backend.stat(blobKey(digest));
  return found && found.sizeBytes <= DOCUMENT_BYTES_MAX ? store.getBlob(digest) : undefined;
}

/** Digests of `names` and of all that these name through documents. Does not read the blobs in `unread`. */
export async function digestsBelow(
  store: Store,
  names: readonly Name[],
  unread: ReadonlySet<Digest>,
): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  const waiting = [...names];
  for (let name = waiting.pop(); name; name = waiting.pop()) {
    const { digest, kind, maker } = name;
    if (maker === "nobody" || digests.has(digest)) continue;
    digests.add(digest);
    if (kind === "blob" || unread.has(digest)) continue;
    const bytes = await readSmallBlob(store, digest);
    if (bytes && !isRows(bytes)) waiting.push(...namesIn(documentOf(bytes)));
  }
  return digests;
}
