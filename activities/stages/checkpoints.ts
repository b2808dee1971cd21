// Checkpoints of one training run in the store: uploaded beside the training, found again newest first, damaged ones passed over.
import { rm } from "node:fs/promises";
import { isCoded } from "../../errors/index.ts";
import type { Digest, Tree } from "../../campaign/types.ts";
import type { StageContext } from "../attempt/context.ts";
import { retryDuringOutage } from "../attempt/retry-during-outage.ts";

/** The newest may be damaged; the one before is kept for that. */
const KEPT = 2;

interface CheckpointManifest {
  schema: "ratchet.checkpoint/1";
  result: { step: number; tree: Digest };
  facts: object;
}

interface Checkpoint {
  step: number;
  dir: string;
}

/** Nothing reads it any more: what resumes, perhaps elsewhere, reads the store. */
const forget = ({ dir }: Checkpoint): Promise<void> => rm(dir, { recursive: true, force: true });

export class Checkpoints {
  private readonly context: StageContext;
  private readonly prefix: string;
  private uploading: Promise<void> | undefined;
  /** Made while an upload ran; only the newest is worth the next one. */
  private waiting: Checkpoint | undefined;
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

  /**
   * Training goes on meanwhile, and what it saves while an upload runs or the store is away waits its turn: only the newest does, so at most
   * two folders are kept. An attempt that is to end has no time for turns.
   */
  upload(checkpoint: Checkpoint): void {
    if (this.uploading && !this.context.signal.aborted) {
      if (this.waiting) void forget(this.waiting);
      this.waiting = checkpoint;
      return;
    }
    this.waiting = undefined;
    const uploading = this.take(checkpoint).then(() => {
      if (this.uploading !== uploading) return;
      this.uploading = undefined;
      if (this.waiting) this.upload(this.waiting);
    });
    this.uploading = uploading;
  }

  /** When the newest is in the store, or has failed. */
  async settled(): Promise<void> {
    while (this.uploading) await this.uploading;
  }

  /** A failed upload costs steps after a crash, never the run: it is counted in the facts. */
  private async take(checkpoint: Checkpoint): Promise<void> {
    const commit = (): Promise<void> => this.commit(checkpoint);
    try {
      await (this.context.signal.aborted ? commit() : retryDuringOutage(this.context, commit));
    } catch (error) {
      this.failures.push(
        `step ${checkpoint.step}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    await forget(checkpoint);
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

  private async commit({ step, dir }: Checkpoint): Promise<void> {
    const { store } = this.context.deps;
    const tree = await store.putTree(dir);
    const manifest: CheckpointManifest = {
      schema: "ratchet.checkpoint/1",
      result: { step, tree },
      facts: this.context.facts(),
    };
    await store.commitManifest(`${this.prefix}step-${String(step).padStart(8, "0")}.json`, manifest, [
      tree,
      ...(await store.getJson<Tree>(tree)).files.map((file) => file.digest),
    ]);
    for (const key of (await this.keys()).slice(0, -KEPT)) await store.backend.delete(key);
  }

  /** Oldest first: steps are zero-padded, so text order is step order. */
  private async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of this.context.deps.store.backend.list(this.prefix)) keys.push(key);
    return keys;
  }
}
