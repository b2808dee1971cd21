// What the store can say went wrong, for whom, and what to do. Consumers classify by `kind` and `code`.

abstract class StoreError extends Error {
  readonly code: string;
  readonly hint?: string;
  constructor(code: string, message: string, { hint, cause }: { hint?: string; cause?: unknown } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    if (hint !== undefined) this.hint = hint;
  }
}

/** Bytes that are gone or not what their name says: artifact_missing, artifact_corrupt, ledger_broken, store_format_newer. */
export class ArtifactError extends StoreError {
  override readonly name = "ArtifactError";
  readonly kind = "artifact";
}

/** The platform failed: store_unreachable, store_denied, bucket_missing, disk_full. Tried again where it can mend itself. */
export class ResourceError extends StoreError {
  override readonly name = "ResourceError";
  readonly kind = "resource";
}

/** Another run has taken the campaign over: final for this one. */
export class LeaseLost extends StoreError {
  override readonly name = "LeaseLost";
  readonly kind = "artifact";
  constructor(message: string) {
    super("lease_lost", message, { hint: "the newer run goes on; nothing is to be done here" });
  }
}

/** No space is left, or none that this user may use, wherever in a chain of causes that is said. */
export function isDiskFull(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return code === "ENOSPC" || code === "EDQUOT" || (cause !== undefined && isDiskFull(cause));
}
