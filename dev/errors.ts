// Failures of the local process tree. The platform's, all of them: `kind` is what the command line's exit code follows from.
export type DevErrorCode = "dev_already_running" | "port_taken" | "temporal_start_failed";

export class DevError extends Error {
  override readonly name = "DevError";
  readonly kind = "resource";
  readonly code: DevErrorCode;
  readonly hint: string | undefined;

  constructor(code: DevErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}
