// What the runtimes cannot do, so that no rule asks for their names.
interface RuntimeLimits {
  /** vLLM raises a temperature between 0 and this to it, and says so in its log only. */
  leastTemperature: number;
}

export const RUNTIMES = {
  onnx: { leastTemperature: 0 },
  vllm: { leastTemperature: 0.01 },
} as const satisfies Record<string, RuntimeLimits>;

export const RUNTIME_NAMES = Object.keys(RUNTIMES) as [keyof typeof RUNTIMES];
