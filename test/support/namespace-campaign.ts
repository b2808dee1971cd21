// A campaign on a namespace of the test server and in its own store, already started. The test brings the
// workers.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { SHOP_DIR } from "./small-shop.ts";
import { openNamespace } from "./temporal.ts";
import type { TestNamespace } from "./temporal.ts";

/** `written`: a spec of the shop, with paths relative to SHOP_DIR. `given`: the store, if no directory. */
export async function startOnNamespace(
  campaignId: string,
  written: WrittenSpec,
  given?: string,
): Promise<NamespaceCampaign> {
  const temporal = await openNamespace();
  const root = await mkdtemp(join(tmpdir(), "ratchet-campaign-"));
  const storeName = given ?? `dir:${join(root, "store")}`;
  const { address, namespace } = temporal;
  const client = await RatchetClient.connect({
    store: storeName,
    temporal: { address, namespace, connection: {}, identity: "test" },
  });
  const close = async (): Promise<void> => {
    await client.close();
    await temporal.close();
    await rm(root, { recursive: true, force: true });
  };
  try {
    await client.start(
      { spec: resolveSpec(written), written, file: "shop.ts", baseDir: SHOP_DIR },
      { campaignId },
    );
  } catch (error) {
    await close();
    throw error;
  }
  return { temporal, root, storeName, client, close };
}

export interface NamespaceCampaign {
  temporal: TestNamespace;
  /** Folder of the store in a directory, and for the test's own files. */
  root: string;
  storeName: string;
  client: RatchetClient;
  close(): Promise<void>;
}
