// A store exists while its `ratchet.json` does. A disk that was unmounted, a folder that was moved and a
// bucket that was emptied look like an empty store: without a check, a campaign would begin again in it, or
// take every blob for lost. So each write, and each read that finds nothing, looks for `ratchet.json`.
import { RatchetError } from "../errors/index.ts";
import { FORMAT_KEY } from "./layout.ts";
import type { Backend } from "./types.ts";

/** `backend`, with a check of the store's presence at each call that needs one. Throws store_unreachable. */
// oxlint-disable-next-line max-lines-per-function -- one table: each call with its check
export function whilePresent(backend: Backend): Backend {
  const presence = new Presence(backend);
  const found = async <T>(reading: Promise<T | undefined>): Promise<T | undefined> => {
    const read = await reading;
    if (read === undefined) await presence.now();
    return read;
  };
  async function* some<T>(listing: AsyncIterable<T>): AsyncGenerator<T> {
    let empty = true;
    for await (const item of listing) {
      empty = false;
      yield item;
    }
    if (empty) await presence.now();
  }
  return {
    name: backend.name,
    presentForMs: backend.presentForMs,
    get: (key) => found(backend.get(key)),
    digest: (key) => found(backend.digest(key)),
    getFile: (key, path) => found(backend.getFile(key, path)),
    async stat(key) {
      const entry = await backend.stat(key);
      // Each new blob is looked for before it is written. The write will be checked too.
      if (!entry) await presence.lately();
      return entry;
    },
    list: (prefix, after) => some(backend.list(prefix, after)),
    entries: (prefix) => some(backend.entries(prefix)),
    folders: (prefix) => some(backend.folders(prefix)),
    leftovers: () => some(backend.leftovers()),
    async put(key, bytes) {
      await presence.lately();
      await backend.put(key, bytes);
    },
    async putFile(key, path) {
      await presence.lately();
      await backend.putFile(key, path);
    },
    async putIfAbsent(key, bytes) {
      await presence.lately();
      return backend.putIfAbsent(key, bytes);
    },
    async delete(key) {
      await presence.lately();
      await backend.delete(key);
    },
  };
}

class Presence {
  private readonly backend: Backend;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  /** When the last check that found the store began; by the clock of `performance.now`. */
  private foundAtMs = -Infinity;

  constructor(backend: Backend) {
    this.backend = backend;
  }

  /** Checks now. Callers that ask during a check share the next one: theirs must begin after they asked. */
  now(): Promise<void> {
    if (!this.running) {
      this.running = this.check().finally(() => (this.running = undefined));
      return this.running;
    }
    this.next ??= this.running
      .catch(() => undefined)
      .then(() => {
        this.next = undefined;
        return this.now();
      });
    return this.next;
  }

  /** Checks, unless a check found the store less than `presentForMs` ago. */
  async lately(): Promise<void> {
    if (performance.now() - this.foundAtMs >= (this.backend.presentForMs ?? 0)) await this.now();
  }

  private async check(): Promise<void> {
    const startedAtMs = performance.now();
    this.foundAtMs = -Infinity;
    // `get`, because the answer of S3 to a HEAD does not say whether the key or the bucket is missing.
    const found = (await this.backend.stat(FORMAT_KEY)) ?? (await this.backend.get(FORMAT_KEY));
    if (!found) throw gone(this.backend);
    this.foundAtMs = startedAtMs;
  }
}

const gone = ({ name }: Backend): RatchetError =>
  new RatchetError("store_unreachable", `the store ${name} is gone: it has no ${FORMAT_KEY}`, {
    hint: "mount it again, or move it back; the campaign waits and resumes by itself",
  });
