// What running a user's module throws. Consumers classify by `kind`, `code` and `retryable`.
import type { ModuleRole } from "../../campaign/spec/modules.ts";

export type ScoringCode = "module_threw" | "module_timeout" | "module_bad_result" | "module_died";

/** The owner of the module must act; `retryable` where trying again may help (a judge that asks the network). */
export class ScoringError extends Error {
  override readonly name = "ScoringError";
  readonly kind = "scoring";
  readonly code: ScoringCode;
  readonly role: ModuleRole;
  readonly retryable: boolean;
  readonly hint?: string;

  constructor(
    code: ScoringCode,
    role: ModuleRole,
    message: string,
    details: { retryable: boolean; hint?: string; cause?: unknown },
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.role = role;
    this.retryable = details.retryable;
    if (details.hint !== undefined) this.hint = details.hint;
  }
}

/** This worker cannot run the module; another one may. */
export class ResourceError extends Error {
  override readonly name = "ResourceError";
  readonly kind = "resource";
  readonly code: string;
  readonly hint: string;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
