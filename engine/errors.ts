// Errors of the engine. Consumers classify by `kind` and `code`, never by class, so that errors survive a process boundary.

export interface ErrorOptions {
  hint?: string;
  cause?: unknown;
}

export abstract class EngineError extends Error {
  abstract readonly kind: "artifact" | "resource" | "training" | "invariant" | "spec";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = options.hint;
  }
}

/** What was asked for cannot be done as asked: an unsupported architecture, no usable rows. */
export class SpecError extends EngineError {
  readonly kind = "spec";
}

/** A file is missing, truncated or does not fit its model. */
export class ArtifactError extends EngineError {
  readonly kind = "artifact";
}

/** The machine ran out of something. */
export class ResourceError extends EngineError {
  readonly kind = "resource";
}

/** What the language says when it has no memory for an array, or none could ever have. */
const noArray = /array buffer allocation failed|invalid typed array length: \d{9,}/i;

/** A failed allocation by its name, with what was being done; any other error as it is. */
export function nameMemory(error: unknown, doing: string): unknown {
  if (error instanceof ResourceError && error.code === "out_of_memory")
    return new ResourceError(error.code, `${doing}: ${error.message}`, {
      cause: error.cause,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    });
  if (!(error instanceof RangeError && noArray.test(error.message))) return error;
  return new ResourceError("out_of_memory", `${doing}: no memory for an array: ${error.message}`, {
    cause: error,
  });
}

/** Training itself failed; carries where, so that the batch can be looked at. */
export class TrainingError extends EngineError {
  readonly kind = "training";
}

/** A promise between two of our own modules was broken. */
export class InvariantError extends EngineError {
  readonly kind = "invariant";
}
