// Errors across the boundary of a process.
import { isCode, RatchetError } from "../../errors/index.ts";
import type { ErrorParts } from "./protocol.ts";

export function errorToParts(error: unknown): ErrorParts {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack, kind, code, hint } = error as Error & {
    kind?: string;
    code?: string;
    hint?: string;
  };
  return { name, message, stack, kind, code, hint };
}

/**
 * The child's error with its code, hint and stack. A system's code (ENOSPC) becomes a plain Error with that
 * code.
 */
export function errorFromParts({ name, message, stack, code, hint }: ErrorParts): Error {
  const error = isCode(code)
    ? new RatchetError(code, message, { hint })
    : Object.assign(new Error(message), { name, code });
  if (stack !== undefined) error.stack = stack;
  return error;
}
