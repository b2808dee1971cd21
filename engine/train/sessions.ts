import type { SessionOptions } from "../graph/session.ts";
import { headsAtOnce } from "../graph/threads.ts";
import type { ModelConfig } from "../model/types.ts";

/** Without spinning: on cores shared with other processes it doubled the time of a step on two threads. Without a pattern: docs/engine.md, memory. */
export const sessionOptions = (threads: number, config: ModelConfig): SessionOptions => ({ threads: Math.min(threads, headsAtOnce(config)), spinning: false, memoryPattern: false });
