// Errors of the client. Consumers classify by `kind` and `code`, never by class; codes are listed in docs/errors.md.

export type ErrorKind = "spec" | "artifact" | "resource" | "scoring" | "training" | "invariant";

export interface ErrorOptions {
  /** What a human can do about it. */
  hint?: string;
  cause?: unknown;
}

abstract class ClientError extends Error {
  abstract readonly kind: ErrorKind;
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, { hint, cause }: ErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = hint;
  }
}

/** The request or the campaign file is wrong: its author acts. */
export class SpecError extends ClientError {
  readonly kind = "spec";
}

/** The store does not hold what the record says. */
export class ArtifactError extends ClientError {
  readonly kind = "artifact";
}

/** Temporal, the store or a worker is not there. */
export class ResourceError extends ClientError {
  readonly kind = "resource";
}
