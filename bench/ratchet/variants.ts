// Ways to spread threads over the runtime's children, as `CHILDREN × THREADS`.
import { threadsEach } from "../../runtimes/onnx/index.ts";

/** Two of one thread each are a worker's default on two cores; one of two suits a batch that is not cut. */
export const variantOf = (children: number, threads: number): string =>
  `${children} × ${threadsEach(threads, children)}`;

export const childrenOf = (variant: string): number => Number(variant.split(" ")[0]);
