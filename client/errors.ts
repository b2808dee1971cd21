// Errors of the client besides campaign's SpecError. Consumers classify by `kind` and `code`, never by class; docs/errors.md lists them.

export interface ErrorOptions {
  /** What a human can do about it. */
  hint?: string;
  cause?: unknown;
}

/** Temporal, the store or a worker is not there. */
export class ResourceError extends Error {
  override readonly name = "ResourceError";
  readonly kind = "resource";
  readonly code: string;
  readonly hint?: string;

  constructor(code: string, message: string, { hint, cause }: ErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (hint !== undefined) this.hint = hint;
  }
}

/** What to do where no Temporal server is found. */
export const UNREACHABLE_HINT =
  "start one here with `ratchet dev`, or name yours with --address or TEMPORAL_ADDRESS";
