// What `campaign` throws. Consumers classify by `kind` and `code`, never by class.

/** One thing wrong with a written spec or with the data it names. */
export interface Problem {
  /** Path in the spec, `generate.samples[0].count`; empty for the whole. */
  path: string;
  message: string;
  hint?: string;
  /** Line in the spec file, from 1, where it is known. */
  line?: number;
}

export interface SpecErrorDetails {
  hint?: string | undefined;
  problems?: Problem[];
  file?: string;
  line?: number;
  cause?: unknown;
}

/** The author of the campaign must change the spec or its data. */
export class SpecError extends Error {
  override readonly name = "SpecError";
  readonly kind = "spec";
  readonly code: string;
  readonly hint?: string;
  readonly problems: Problem[];
  readonly file?: string;
  readonly line?: number;

  constructor(code: string, message: string, details: SpecErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.problems = details.problems ?? [];
    if (details.hint !== undefined) this.hint = details.hint;
    if (details.file !== undefined) this.file = details.file;
    if (details.line !== undefined) this.line = details.line;
  }
}

/** What was trained cannot be used: the author must look at its training. */
export class TrainingError extends Error {
  override readonly name = "TrainingError";
  readonly kind = "training";
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, { hint }: { hint: string }) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** We must change: a caller broke a promise that the types cannot hold. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
  readonly kind = "invariant";
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
