// Ways to distribute threads over the runtime's child processes, written `CHILDREN × THREADS`.
import { threadsEach } from "../../runtimes/onnx/index.ts";

/**
 * On two cores, a worker's default is two children of one thread. A batch that is not split needs one child
 * of two threads.
 */
export const variantOf = (children: number, threads: number): string =>
  `${children} × ${threadsEach(threads, children)}`;

export const childrenOf = (variant: string): number => Number(variant.split(" ")[0]);
