// Sessions that stay open from one use to the next. Making a graph of a thousand operations and opening it takes half a second.
import type { Graph } from "./graph.ts";
import { Session } from "./session.ts";
import type { SessionOptions } from "./session.ts";

export class Sessions {
  /** By all that decides them. */
  private readonly kept = new Map<string, Promise<Session>>();
  private readonly used = new Set<string>();
  /** How many were opened so far. */
  opened = 0;

  /** The session of `make(...args)`; the same one for equal arguments and options. `make`: a pure function of a name of its own. */
  open<Args extends readonly unknown[]>(
    make: (...args: Args) => Graph,
    args: Args,
    options: SessionOptions,
  ): Promise<Session> {
    const key = JSON.stringify([make.name, args, options]);
    this.used.add(key);
    const session = this.kept.get(key) ?? this.create(() => make(...args), options);
    this.kept.set(key, session);
    return session;
  }

  private async create(graph: () => Graph, options: SessionOptions): Promise<Session> {
    this.opened++;
    return Session.create(graph(), options);
  }

  /** Closes those that were not asked for since the last call. */
  async closeUnused(): Promise<void> {
    const unused = [...this.kept.keys()].filter((key) => !this.used.has(key));
    this.used.clear();
    await this.closeOf(unused);
  }

  /** Closes all; the next ones are opened anew. */
  async close(): Promise<void> {
    this.used.clear();
    await this.closeOf([...this.kept.keys()]);
  }

  private async closeOf(keys: readonly string[]): Promise<void> {
    const sessions = keys.map((key) => this.kept.get(key) as Promise<Session>);
    for (const key of keys) this.kept.delete(key);
    for (const session of sessions) {
      // One that could not be opened was an error to whoever asked for it.
      const open = await session.catch(() => undefined);
      await open?.close();
    }
  }
}
