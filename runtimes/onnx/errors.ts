// Errors across the process boundary, and the one that a lost child makes. Consumers classify by `kind` and `code`.
import type { ErrorParts } from "./protocol.ts";

/** The platform failed; a retry may succeed. */
export class ResourceError extends Error {
  readonly kind = "resource";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, hint?: string) {
    super(message);
    this.name = "ResourceError";
    this.code = code;
    this.hint = hint;
  }
}

export function errorToParts(error: unknown): ErrorParts {
  if (!(error instanceof Error)) return { name: "Error", message: String(error) };
  const { name, message, stack, kind, code, hint } = error as Error & {
    kind?: string;
    code?: string;
    hint?: string;
  };
  return { name, message, stack, kind, code, hint };
}

/** An error of the child with its kind, code, hint and stack. */
export function errorFromParts({ name, message, stack, kind, code, hint }: ErrorParts): Error {
  const error = new Error(message);
  if (stack !== undefined) error.stack = stack;
  return Object.assign(error, {
    name,
    ...(kind === undefined ? {} : { kind }),
    ...(code === undefined ? {} : { code }),
    ...(hint === undefined ? {} : { hint }),
  });
}
