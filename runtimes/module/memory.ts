// The limit of the memory of a module's process, and how messages name it.
import { RatchetError } from "../../errors/index.ts";

const DEFAULT_BYTES = 2 * 2 ** 30;
/** Node itself needs about 60 MB. */
const LEAST_BYTES = 128 * 2 ** 20;
const VARIABLE = "RATCHET_MODULE_BYTES";

/** Most bytes of one module's process. */
export function moduleBytes(env: NodeJS.ProcessEnv = process.env): number {
  const written = env[VARIABLE];
  if (written === undefined || written === "") return DEFAULT_BYTES;
  const bytes = Number(written);
  if (Number.isSafeInteger(bytes) && bytes >= LEAST_BYTES) return bytes;
  throw new RatchetError(
    "env_invalid",
    `${VARIABLE} is ${written}, not a whole number of bytes of at least ${LEAST_BYTES}`,
  );
}

export const memoryHint = (bytes: number): string =>
  `if it needs more memory, raise ${VARIABLE} of the worker (now ${megabytes(bytes)})`;

export const megabytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
