// Checkpoints of one training run in the store: uploaded while training continues; the newest valid one is
// restored.
import { rm } from "node:fs/promises";
import { isCoded } from "../../errors/index.ts";
import type { CheckpointResult, Tree } from "../../campaign/types.ts";
import type { StageContext } from "../attempt/context.ts";
import { retryDuringOutage } from "../attempt/retry-during-outage.ts";

/** Checkpoints in the store: the newest, and the one before in case the newest is damaged. */
const STORED = 2;

interface CheckpointManifest {
  schema: "ratchet.checkpoint/1";
  result: CheckpointResult;
  facts: object;
}

interface Checkpoint {
  step: number;
  dir: string;
}

/** The next attempt, perhaps on another machine, reads the store and not this folder. */
const deleteFolder = ({ dir }: Checkpoint): Promise<void> => rm(dir, { recursive: true, force: true });

export class Checkpoints {
  private readonly context: StageContext;
  private readonly prefix: string;
  private uploading: Promise<void> | undefined;
  /** The newest checkpoint that was saved during an upload. */
  private waiting: Checkpoint | undefined;
  private readonly damaged: string[] = [];
  private readonly failures: string[] = [];

  constructor(context: StageContext, prefix: string) {
    this.context = context;
    this.prefix = prefix;
  }

  /** Restores the newest valid checkpoint into `dir`. The facts list the damaged ones that it skipped. */
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
   * Uploads a checkpoint while training continues. During an upload or an outage only the newest checkpoint
   * waits, so at most two folders exist. The last checkpoint of an aborted attempt is uploaded at once.
   */
  upload(checkpoint: Checkpoint): void {
    if (this.uploading && !this.context.signal.aborted) {
      if (this.waiting) void deleteFolder(this.waiting);
      this.waiting = checkpoint;
      return;
    }
    this.waiting = undefined;
    const uploading = this.store(checkpoint).then(() => {
      if (this.uploading !== uploading) return;
      this.uploading = undefined;
      if (this.waiting) this.upload(this.waiting);
    });
    this.uploading = uploading;
  }

  /** Resolves when the newest checkpoint is stored, or its upload has failed. */
  async settled(): Promise<void> {
    while (this.uploading) await this.uploading;
  }

  /** A failed upload costs steps after a crash and never fails the run; the facts list it. */
  private async store(checkpoint: Checkpoint): Promise<void> {
    const commit = (): Promise<void> => this.commit(checkpoint);
    try {
      await (this.context.signal.aborted ? commit() : retryDuringOutage(this.context, commit));
    } catch (error) {
      this.failures.push(
        `step ${checkpoint.step}: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    await deleteFolder(checkpoint);
  }

  /** Deletes the checkpoints of a run whose result is committed. */
  async clear(): Promise<void> {
    for (const key of await this.keys()) await this.context.deps.store.backend.delete(key);
  }

  facts(): Record<string, unknown> {
    return {
      damagedCheckpoints: this.damaged.length > 0 ? this.damaged : undefined,
      failedCheckpoints: this.failures.length > 0 ? this.failures : undefined,
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
    for (const key of (await this.keys()).slice(0, -STORED)) await store.backend.delete(key);
  }

  /** Oldest first: steps are zero-padded, so text order is step order. */
  private async keys(): Promise<string[]> {
    const keys: string[] = [];
    for await (const key of this.context.deps.store.backend.list(this.prefix)) keys.push(key);
    return keys;
  }
}
