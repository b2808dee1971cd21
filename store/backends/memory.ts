// A backend in this process's memory, for tests.
import { readFile, writeFile } from "node:fs/promises";
import type { Backend } from "../types.ts";

export function memoryBackend(): Backend {
  const objects = new Map<string, Uint8Array>();
  return {
    name: "memory:",
    get: async (key) => objects.get(key)?.slice(),
    async getFile(key, path) {
      const bytes = objects.get(key);
      if (bytes) await writeFile(path, bytes);
      return bytes !== undefined;
    },
    put: async (key, bytes) => void objects.set(key, bytes.slice()),
    putFile: async (key, path) => void objects.set(key, await readFile(path)),
    async putIfAbsent(key, bytes) {
      if (objects.has(key)) return "exists";
      objects.set(key, bytes.slice());
      return "created";
    },
    sizeBytes: async (key) => objects.get(key)?.byteLength,
    async *list(prefix) {
      yield* [...objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    },
    delete: async (key) => void objects.delete(key),
  };
}
