// How a runtime gets at a server of a policy: one that it starts, or one that somebody else runs.
import type { LocalModel, WorkContext } from "../types.ts";
import type { Endpoint } from "./endpoint.ts";

export interface Server {
  endpoint: Endpoint;
  /** The server's context in tokens, by a check unless an earlier one still holds. */
  check(canary: () => Promise<number>): Promise<number>;
  /** Whether its weights may have changed while it was used. */
  checkAfter: boolean;
}

export type Use<T> = (server: Server) => Promise<T>;

export interface Servers {
  /** Calls `work` with a server of the policy. */
  use<T>(model: LocalModel, context: WorkContext, work: Use<T>): Promise<T>;
  close(): Promise<void>;
}
