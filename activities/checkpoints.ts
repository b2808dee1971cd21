// Checkpoints of one training run in the store: uploaded beside the training, found again newest first, damaged ones passed over.
import type { Digest, Tree } from "../campaign/types.ts";
import type { StageContext } from "./context.ts";
import { isCoded } from "./failure.ts";

/** The newest may be damaged; the one before is kept for that. */
const KEPT = 2;

interface CheckpointManifest {
  schema: "ratchet.checkpoint/1";
  result: { step: number; tree: Digest };
  facts: object;
}

export class Checkpoints {
  private readonly context: StageContext;
  private readonly prefix: string;
  /** Uploads go one at a time. */
  private uploading: Promise<void> = Promise.resolve();
  private readonly damaged: string[] = [];
  private readonly failures: string[] = [];

  constructor(context: StageContext, prefix: string) {
    this.context = context;
    this.prefix = prefix;
  }

  /** Restores the newest valid checkpoint into `dir`; a damaged one falls back to the one before, and the facts say so. */
  async newest(dir: string): Promise<{ step: number; dir: string } | undefined> {
    const { store } = this.context.deps;
    for (const key of (await this.keys()).reverse()) {
      try {
        const found = await store.readManifest<CheckpointManifest>(key);
        if (!found) continue;
        await store.getTree(found.manifest.result.tree, dir);
        return { step: found.manifest.result.step, dir };
      } catch (error) {
        if (!isCoded(error) || error.kind !== "artifact") throw error;
        this.damaged.push(`${key}: ${error.code}`);
      }
    }
    return undefined;
  }

  /** Training goes on meanwhile. A failed upload costs steps after a crash, never the run: it is counted in the facts. */
  upload({ step, dir }: { step: number; dir: string }): void {
    this.uploading = this.uploading
      .then(() => this.commit(step, dir))
      .catch((error: unknown) => {
        this.failures.push(`step ${step}: ${error instanceof Error ? error.message : String(error)}`);
      });
  }

  settled(): Promise<void> {
    return this.uploading;
  }

  /** The run's result is committed: nobody will resume it. */
  async clear(): Promise<void> {
    for (const key of await this.keys()) await this.context.deps.store.backend.delete(key);
  }

  facts(): Record<string, unknown> {
    return {
      ...(this.damaged.length > 0 ? { damagedCheckpoints: this.damaged } : {}),
      ...(this.failures.length > 0 ? { failedCheckpoints: this.failures } : {}),
    };
  }

  private async commit(step: number, dir: string): Promise<void> {
    const { store } = this.context.deps;
    const tree = await store.putTree(dir);
    const manifest: CheckpointManifest = { schema: "ratchet.checkpoint/1", result: { step, tree }, facts: this.context.facts() };
    await store.commitManifest(`${this.prefix}step-${String(step).padStart(8, "0")}.json`, manifest, [tree, ...(await store.getJson<Tree>(tree)).files.map((file) => file.digest)]);
    for (const key of (await this.keys()).slice(0, -KEPT)) await store.backend.delete(key);
  }

  /** Oldest first: steps are zero-padded, so text order is step order. */
  private async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of this.context.deps.store.backend.list(this.prefix)) keys.push(key);
    return keys;
  }
}
