// Gives a failed allocation its code.
import { isCoded, RatchetError } from "../errors/index.ts";

/** V8's messages if it has no memory for an array, or if no machine could ever have it. */
const NO_ARRAY = /array buffer allocation failed|invalid typed array length: \d{9,}/i;

/** A failed allocation as `out_of_memory`, with what was being done; any other error unchanged. */
export function nameMemory(error: unknown, doing: string): unknown {
  if (isCoded(error) && error.code === "out_of_memory")
    return new RatchetError(error.code, `${doing}: ${error.message}`, {
      cause: error.cause,
      hint: error.hint,
    });
  if (!(error instanceof RangeError && NO_ARRAY.test(error.message))) return error;
  return new RatchetError("out_of_memory", `${doing}: no memory for an array: ${error.message}`, {
    cause: error,
  });
}
