// The author's files, just before a row of the ledger names them.
import { RatchetError } from "../errors/index.ts";
import { namesIn } from "../campaign/names.ts";
import type { Digest } from "../campaign/types.ts";
import { eachOf } from "../store/each.ts";
import type { Store } from "../store/types.ts";
import { digestsBelow } from "./documents.ts";

/**
 * The last look before a row names the author's files: `prune` may have deleted one since it was uploaded.
 * Throws blob_vanished.
 */
export async function requireGiven(store: Store, campaignId: string, spec: Digest): Promise<void> {
  const given = await digestsBelow(store, namesIn(await store.getJson(spec)), new Set());
  await eachOf(given, async (digest) => {
    if (!(await store.hasBlob(digest)))
      throw new RatchetError(
        "blob_vanished",
        `blob ${digest} was deleted before ${campaignId} could name it`,
        {
          hint: "start again, which uploads it again; give `ratchet prune` a longer --grace",
        },
      );
  });
}
