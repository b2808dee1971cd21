// Sessions and worker threads that one training leaves open for the next, and the limit up to which it does.
// A caller that gives one pool to several trainings, one at a time, saves all but the first the time of
// opening them.
import { Sessions } from "../graph/sessions.ts";
import { parametersOf } from "../model/parameters.ts";
import type { ModelConfig } from "../model/types.ts";
import { propertiesOf } from "./graphs.ts";
import { floatsOfLayer, floatsOfVocabulary, REFERENCE_BATCH_TOKENS, rowBytes } from "./micro-batch.ts";
import type { BatchSizes } from "./micro-batch.ts";
import type { TrainTask } from "./types.ts";
import { WorkerThread } from "./worker-thread.ts";

export class SessionPool {
  /** Sessions of the training loop's thread. */
  readonly sessions = new Sessions();
  private readonly workers: WorkerThread[] = [];
  /** Largest number of threads asked for since the last `closeUnused`. */
  private used = 0;
  private openedInThreads = 0;

  /** The first `count` threads. */
  threads(count: number): readonly WorkerThread[] {
    this.used = Math.max(this.used, count);
    while (this.workers.length < count) this.workers.push(new WorkerThread());
    return this.workers.slice(0, count);
  }

  /** Number of sessions opened so far; sessions in threads are counted at `closeUnused`. */
  get opened(): number {
    return this.sessions.opened + this.openedInThreads;
  }

  /**
   * Closes everything that was not used since the last call, so the pool never holds more than one training's
   * sessions.
   */
  async closeUnused(): Promise<void> {
    const idle = this.workers.splice(this.used);
    this.used = 0;
    await Promise.all(idle.map((thread) => thread.close()));
    await this.sessions.closeUnused();
    const opened = await Promise.all(this.workers.map((thread) => thread.ask("closeUnused", undefined)));
    this.openedInThreads += opened.reduce((total, count) => total + count, 0);
  }

  /** Closes everything. A closed pool can be used again. */
  async close(): Promise<void> {
    await Promise.all(this.workers.splice(0).map((thread) => thread.close()));
    await this.sessions.close();
  }
}

/**
 * Most bytes that open sessions may hold until the next training, by the estimate below, which assumes rows
 * of full length.
 */
const CACHED_BYTES_MAX = 1e9;

const weightBytes = (config: ModelConfig): number =>
  parametersOf(config).reduce(
    (total, { shape }) => total + 4 * shape.reduce((size, dim) => size * dim, 1),
    0,
  );

/**
 * Bytes of a reference on two workers. A layer's values are released after the layer. A worker's copy of the
 * model exists twice while it arrives.
 */
function referenceBytes(config: ModelConfig, longest: number): number {
  const tokens = Math.max(REFERENCE_BATCH_TOKENS, 2 * longest);
  return (
    2 * 4 * tokens * (floatsOfLayer(config, longest) + floatsOfVocabulary(config)) + 2 * weightBytes(config)
  );
}

/**
 * Estimated bytes that a training's sessions hold at its end, because onnxruntime's arena keeps the most that
 * a session ever used.
 */
function openBytes(
  config: ModelConfig,
  task: TrainTask,
  { microBatch, workers, longest }: BatchSizes,
): number {
  return (
    workers * microBatch * rowBytes(config, task, longest) +
    (propertiesOf(task).reference ? referenceBytes(config, longest) : 0)
  );
}

/**
 * Whether a training's sessions stay open for the next one. A waiting process holds their memory beside the
 * processes that generate.
 */
export const isCached = (config: ModelConfig, task: TrainTask, sizes: BatchSizes): boolean =>
  openBytes(config, task, sizes) <= CACHED_BYTES_MAX;
