import { readFile } from "node:fs/promises";
import type { LocalModel, WorkContext } from "../../runtimes/types.ts";
import type { Sample } from "../work.ts";

/** A work that is loaded: the numbers to agree on, and one timed sample at a time. */
export interface Started {
  facts: number[];
  sample(trial: boolean): Promise<Sample>;
  /** Where it holds something that the next work must not find. */
  close?(): Promise<void>;
}

export const CONTEXT: WorkContext = { signal: new AbortController().signal, onProgress: () => {} };

export const localModel = (dir: string): LocalModel => ({ digest: dir, dir });

export async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  const began = performance.now();
  const value = await work();
  return { seconds: (performance.now() - began) / 1000, value };
}

export const readJsonLines = async <Row>(path: string): Promise<Row[]> =>
  (await readFile(path, "utf8"))
    .trimEnd()
    .split("\n")
    .map((line): Row => JSON.parse(line));
