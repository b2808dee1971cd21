// The one error of Ratchet. Consumers classify by `kind` and `code`, never by class, so an error survives the
// boundary of a process.
import { isCode, kindOf, KINDS } from "./codes.ts";
import type { Code, Kind } from "./codes.ts";

export { CODES, isCode, KINDS, retryOf } from "./codes.ts";
export { visibleBlock, visibleLine, visibleText } from "./visible-text.ts";
export type { Code, Kind, Retry } from "./codes.ts";

/** One thing wrong with a written spec or with the data it names. */
export interface Problem {
  /** Path in the spec, `generate.samples[0].count`; empty for the whole. */
  path: string;
  message: string;
  hint?: string;
  /** Line in the spec file, from 1, where it is known. */
  line?: number;
}

export interface ErrorDetails {
  /** What a person can do about it. */
  hint?: string | undefined;
  cause?: unknown;
  /** Of a spec: everything that is wrong with it; the message is the first. */
  problems?: Problem[];
  file?: string;
  line?: number;
  /** Of a module's error: whether the same call may succeed later (a busy judge). */
  retryable?: boolean;
}

/** The message says what was wrong, with the offending value. `kind` follows from the code (codes.ts). */
export class RatchetError extends Error {
  override readonly name = "RatchetError";
  readonly code: Code;
  readonly kind: Kind;
  declare readonly hint?: string;
  readonly problems: readonly Problem[] = [];
  declare readonly file?: string;
  declare readonly line?: number;
  declare readonly retryable?: boolean;

  constructor(code: Code, message: string, { cause, ...details }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.kind = kindOf(code);
    Object.assign(this, details);
  }
}

/** The code that a text names, or `otherwise` if it names none or one of another version. */
export const codeOf = (text: unknown, otherwise: Code = "unclassified"): Code =>
  isCode(text) ? text : otherwise;

/** The shape of every error with a code. Errors from a child process have it too. */
export type CodedError = Error & { kind: Kind; code: Code; hint?: string; retryable?: boolean };

export const isCoded = (error: unknown): error is CodedError =>
  error instanceof Error &&
  "code" in error &&
  Object.hasOwn(KINDS, String((error as { kind?: unknown }).kind));

/** No space is left, or none that this user may use, wherever in the chain of causes the system says so. */
export function isDiskFull(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown };
  return code === "ENOSPC" || code === "EDQUOT" || (cause !== undefined && isDiskFull(cause));
}
