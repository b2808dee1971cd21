// A store whose objects all look older than they are: `prune` keeps young ones, and no test waits an hour.
import { storeOn } from "../../store/index.ts";
import type { Entry, Store } from "../../store/types.ts";

export function agedStore({ backend }: Store, byMs: number): Promise<Store> {
  const older = <E extends Entry>(entry: E): E => ({ ...entry, modifiedMs: entry.modifiedMs - byMs });
  async function* olderOf<E extends Entry>(entries: AsyncIterable<E>): AsyncGenerator<E> {
    for await (const entry of entries) yield older(entry);
  }
  return storeOn({
    ...backend,
    async stat(key) {
      const found = await backend.stat(key);
      return found && older(found);
    },
    entries: (prefix) => olderOf(backend.entries(prefix)),
    leftovers: () => olderOf(backend.leftovers()),
  });
}
