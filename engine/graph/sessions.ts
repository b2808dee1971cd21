// Open sessions for reuse. Building a graph of a thousand operations and opening its session takes half a
// second.
import type { Graph } from "./graph.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session.ts";

export class Sessions {
  /** By everything that decides them. */
  private readonly cached = new Map<string, Promise<Session>>();
  private readonly used = new Set<string>();
  /** Number of sessions opened so far. */
  opened = 0;

  /**
   * The session of the graph `make(...args)`; the same one for equal arguments and options. `make` is a pure
   * function with a unique name.
   */
  open<Args extends readonly unknown[]>(
    make: (...args: Args) => Graph,
    args: Args,
    options: SessionOptions,
  ): Promise<Session> {
    const key = JSON.stringify([make.name, args, options]);
    this.used.add(key);
    const session = this.cached.get(key) ?? this.create(() => make(...args), options);
    this.cached.set(key, session);
    return session;
  }

  private async create(graph: () => Graph, options: SessionOptions): Promise<Session> {
    this.opened++;
    return Session.create(graph(), options);
  }

  /** Closes the sessions that were not used since the last call. */
  async closeUnused(): Promise<void> {
    const unused = [...this.cached.keys()].filter((key) => !this.used.has(key));
    this.used.clear();
    await this.closeOf(unused);
  }

  /** Closes all sessions. */
  async close(): Promise<void> {
    this.used.clear();
    await this.closeOf([...this.cached.keys()]);
  }

  private async closeOf(keys: readonly string[]): Promise<void> {
    const sessions = keys.map((key) => this.cached.get(key) as Promise<Session>);
    for (const key of keys) this.cached.delete(key);
    for (const session of sessions) {
      // A session that could not be opened has already thrown in `open`.
      const open = await session.catch(() => undefined);
      await open?.close();
    }
  }
}
