// The settings of a vLLM runtime, from the worker's own file (worker/config.ts).

interface Common {
  /** Requests in flight, of all stages of the worker together. */
  concurrency: number;
  /** Longest time of one request. */
  timeoutMs: number;
  /** Largest mean difference of log-probabilities per token, in nats, that the canary accepts. */
  tolerance: number;
}

/** The worker starts the server, one policy at a time. */
export interface ManagedSettings extends Common {
  /** Program and first arguments; the policy's folder and our own arguments follow, then `args`. */
  command: string[];
  args: string[];
  env: Record<string, string>;
  /** Longest time from the start of the process to its first healthy answer. */
  startMs: number;
  /** The server is stopped when nothing has used it for this long. */
  idleMs: number;
}

/** Somebody else runs the server, with one policy. It is checked and never changed. */
export interface ExternalSettings extends Common {
  /** Without a path, such as `http://gpu-1:8000`. */
  address: string;
  /** The name under which the server serves its model. */
  model: string;
  /** Tree digest of the policy that it serves. Absent: the model's folder has the digest in its name. */
  digest?: string | undefined;
  key?: string | undefined;
}

export type VllmSettings = ManagedSettings | ExternalSettings;

export const isManaged = (settings: VllmSettings): settings is ManagedSettings => "command" in settings;
