// Each runtime says here what it cannot do. Rules read these limits and never ask for a name.
interface RuntimeLimits {
  /** vLLM raises a temperature between 0 and this to it, and says so in its log only. */
  leastTemperature: number;
}

export const RUNTIMES = {
  onnx: { leastTemperature: 0 },
  vllm: { leastTemperature: 0.01 },
} as const satisfies Record<string, RuntimeLimits>;

export const RUNTIME_NAMES = Object.keys(RUNTIMES) as [keyof typeof RUNTIMES];
