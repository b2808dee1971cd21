// A campaign of the small shop on its own dev tree: real server, worker and engine, all state in one folder.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repairsOf } from "../../campaign/rules.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { isCurrent } from "../../campaign/ids.ts";
import type { DevTree } from "../../dev/index.ts";
import { startDevTree } from "../../dev/index.ts";
import type { EvaluateResult, TrainResult } from "../../campaign/types.ts";
import type { SmallShop } from "./small-shop.ts";
import { SHOP_DIR, smallShop } from "./small-shop.ts";

/** `RATCHET_TEST_TEMPORAL_BIN`, set by the test driver. */
const TEMPORAL_BIN = process.env["RATCHET_TEST_TEMPORAL_BIN"];
export const NO_TEMPORAL_BIN = TEMPORAL_BIN
  ? false
  : "RATCHET_TEST_TEMPORAL_BIN is not set: run through `npm test`";

export const CAMPAIGN = "small-shop";

export class DevCampaign {
  readonly root: string;
  readonly storeName: string;
  readonly shop: SmallShop;
  private readonly env: NodeJS.ProcessEnv;
  tree: DevTree | undefined;

  private constructor(root: string, storeName: string, shop: SmallShop, env: NodeJS.ProcessEnv) {
    this.root = root;
    this.storeName = storeName;
    this.shop = shop;
    this.env = env;
  }

  static async make(
    shop: SmallShop,
    { storeName, env = process.env }: { storeName?: string; env?: NodeJS.ProcessEnv } = {},
  ): Promise<DevCampaign> {
    const root = await mkdtemp(join(tmpdir(), "ratchet-campaign-"));
    return new DevCampaign(root, storeName ?? `dir:${join(root, "store")}`, shop, env);
  }

  get stateDir(): string {
    return join(this.root, "state");
  }

  async up(): Promise<void> {
    const temporal = TEMPORAL_BIN as string;
    this.tree = await startDevTree({
      // any free port: the tree of another test could take the default one from a killed server
      ports: { grpc: 0 },
      stateDir: this.stateDir,
      store: this.storeName,
      ui: false,
      temporal,
      // Each engine child costs the processor a second or more before it computes anything.
      env: { ...this.env, RATCHET_CHILDREN: "1", RATCHET_THREADS: "1" },
      report: () => undefined,
    });
  }

  async down(): Promise<void> {
    await this.tree?.stop();
    this.tree = undefined;
  }

  /** Starts or resumes the campaign. */
  async start({ takeOver = false } = {}): Promise<RatchetClient> {
    const { address, namespace, serverId } = this.tree as DevTree;
    const client = await RatchetClient.connect({
      store: this.storeName,
      temporal: { address, namespace, connection: {}, identity: serverId },
    });
    const written = smallShop(this.shop);
    await client.start(
      { spec: resolveSpec(written), written, file: "small-shop.ts", baseDir: SHOP_DIR },
      { campaignId: CAMPAIGN, takeOver },
    );
    return client;
  }

  async remove(): Promise<void> {
    await this.down();
    await rm(this.root, { recursive: true, force: true });
  }
}

/** The results that must not depend on faults: SHA-256 of each place's weights, and the metrics. */
export async function outcomesOf(client: RatchetClient): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {};
  const repairs = repairsOf((await client.history(CAMPAIGN)).ledger);
  for await (const key of client.store.backend.list(`campaigns/${CAMPAIGN}/results/`)) {
    if (!isCurrent(key, repairs)) continue;
    const found = await client.store.readManifest<{ result: TrainResult | EvaluateResult }>(key);
    const result = found?.manifest.result;
    if (result && "weights" in result) outcomes[`${result.place} ${result.stage}`] = result.weights;
    if (result && "metrics" in result && "split" in result)
      outcomes[`${result.place} ${result.split}`] = JSON.stringify(result.metrics);
  }
  return outcomes;
}
