// What to do about the failures of a start that vLLM's log names.
const HINTS: readonly [RegExp, string][] = [
  [
    /out of memory|OutOfMemory|No available memory for the cache blocks|less than desired GPU memory/i,
    "lower --gpu-memory-utilization, --max-model-len or --max-num-seqs in the worker's settings",
  ],
  [/head.?size/i, "vLLM has no kernel for the model's head size: `generate.runtime: onnx` takes any"],
  [/unrecognized arguments/i, "correct `args` in the worker's settings"],
  [/ENOENT/, "correct `command` in the worker's settings"],
];

export const hintFor = (log: string): string | undefined => HINTS.find(([pattern]) => pattern.test(log))?.[1];
