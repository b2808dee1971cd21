import { readFile } from "node:fs/promises";
import type { LocalModel, WorkContext } from "../../runtimes/types.ts";
import type { Sample } from "../work.ts";

/** A loaded work: the facts that all runners must agree on, and a function for one timed sample. */
export interface Started {
  facts: number[];
  sample(trial: boolean): Promise<Sample>;
  /** Releases resources before the next work. */
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
