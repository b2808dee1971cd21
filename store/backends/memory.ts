// A backend in this process's memory, for tests.
import { readFile, writeFile } from "node:fs/promises";
import { sha256 } from "../canonical.ts";
import type { Backend } from "../types.ts";

// oxlint-disable-next-line max-lines-per-function -- one table: what each call of a backend is in memory
export function memoryBackend(): Backend {
  const objects = new Map<string, { bytes: Uint8Array; modifiedMs: number }>();
  const set = (key: string, bytes: Uint8Array): void =>
    void objects.set(key, { bytes: bytes.slice(), modifiedMs: Date.now() });
  return {
    name: "memory:",
    get: async (key) => objects.get(key)?.bytes.slice(),
    async digest(key) {
      const found = objects.get(key);
      return found && sha256(found.bytes);
    },
    async getFile(key, path) {
      const found = objects.get(key);
      if (found) await writeFile(path, found.bytes);
      return found && sha256(found.bytes);
    },
    put: async (key, bytes) => set(key, bytes),
    putFile: async (key, path) => set(key, await readFile(path)),
    async putIfAbsent(key, bytes) {
      if (objects.has(key)) return "exists";
      set(key, bytes);
      return "created";
    },
    async stat(key) {
      const found = objects.get(key);
      return found && { key, sizeBytes: found.bytes.byteLength, modifiedMs: found.modifiedMs };
    },
    async *list(prefix, after = "") {
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
    },
    async *entries(prefix) {
      for await (const key of this.list(prefix)) {
        const found = await this.stat(key);
        if (found) yield found;
      }
    },
    async *leftovers() {},
    async *folders(prefix) {
      const below = [...objects.keys()]
        .filter((key) => key.startsWith(prefix))
        .map((key) => key.slice(prefix.length).split("/"));
      yield* new Set(below.flatMap(([name = "", ...rest]) => (rest.length > 0 ? [name] : [])).sort());
    },
    delete: async (key) => void objects.delete(key),
  };
}
