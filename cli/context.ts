// Shared by all verbs: the global options, and the client for them.
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { UNREACHABLE_HINT } from "../temporal/gateway.ts";
import { findTemporal, requireStoreName } from "../client/find.ts";
import type { FindOptions } from "../client/find.ts";
import { findDevJson } from "../dev/dev-json.ts";
import type { ClientOptions, RatchetClient } from "../client/ratchet-client.ts";
import { note } from "./output.ts";
import { mayMakeStore } from "./provide-store.ts";

export interface Globals {
  store?: string;
  address?: string;
  namespace?: string;
  profile?: string;
  debug?: boolean;
}

export const globalsOf = (command: Command): Globals => command.optsWithGlobals<Globals>();

export const findOptions = (globals: Globals): FindOptions => ({
  ...globals,
  env: process.env,
  cwd: process.cwd(),
});

/** Loads the client only now, so that `--help` and `--version` answer at once. */
export async function connect(options: ClientOptions): Promise<RatchetClient> {
  const { RatchetClient } = await import("../client/ratchet-client.ts");
  return RatchetClient.connect(options);
}

/** For verbs that read the record. */
export function openStoreClient(command: Command): Promise<RatchetClient> {
  return connect({ store: requireStoreName(findOptions(globalsOf(command))) });
}

/** For verbs that start, follow or control. */
export function openClient(command: Command, { createStore = false } = {}): Promise<RatchetClient> {
  const options = findOptions(globalsOf(command));
  const temporal = findTemporal(options);
  if (!temporal)
    throw new RatchetError(
      "temporal_unreachable",
      "no Temporal server is configured, and no `ratchet dev` is running here",
      { hint: UNREACHABLE_HINT },
    );
  const store = requireStoreName(options);
  return connect({
    store,
    temporal,
    createStore: createStore && mayMakeStore(store, findDevJson(options.cwd)),
    environment: process.env,
  });
}

/** For `status`: without a server, it shows the record only. */
export async function openClientIfReachable(command: Command): Promise<RatchetClient> {
  const options = findOptions(globalsOf(command));
  const temporal = findTemporal(options);
  if (!temporal) return openStoreClient(command);
  try {
    return await connect({ store: requireStoreName(options), temporal, createStore: false });
  } catch (error) {
    if ((error as { code?: string }).code !== "temporal_unreachable") throw error;
    note(`${(error as Error).message}: showing the record in the store only`);
    return openStoreClient(command);
  }
}

/** Runs a verb's work, and closes its client in every case. */
export async function using<T>(
  opening: Promise<RatchetClient>,
  work: (client: RatchetClient) => Promise<T>,
): Promise<T> {
  const client = await opening;
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** The given global flags, for suggested commands: ` --store dir:/x`. */
export function repeatFlags({ store, address, namespace, profile }: Globals): string {
  const given = Object.entries({ store, address, namespace, profile }).filter(
    ([, value]) => value !== undefined,
  );
  return given.map(([name, value]) => ` --${name} ${value}`).join("");
}
