// The sessions of training.
import type { Session, SessionOptions } from "../graph/session.ts";
import type { Sessions } from "../graph/sessions.ts";
import { headsAtOnce } from "../graph/threads.ts";
import type { Graph } from "../graph/graph.ts";
import type { ModelConfig } from "../model/types.ts";

/** Without spinning: on cores shared with other processes it doubled the time of a step on two threads. Without a pattern: docs/engine.md, memory. */
export const sessionOptions = (threads: number, config: ModelConfig): SessionOptions => ({
  threads: Math.min(threads, headsAtOnce(config)),
  spinning: false,
  memoryPattern: false,
});

/** A model's graph, made for the threads that it gets. */
export function openSession<Args extends readonly unknown[] | []>(
  sessions: Sessions,
  threads: number,
  config: ModelConfig,
  make: (...args: Args) => Graph,
  argsFor: (threads: number) => Args,
): Promise<Session> {
  const options = sessionOptions(threads, config);
  return sessions.open(make, argsFor(options.threads), options);
}
