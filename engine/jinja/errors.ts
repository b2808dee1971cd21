// Errors of templates. Python's classes are part of the message, since authors of templates know them;
// `raise_exception` gives its own text.
import { RatchetError } from "../../errors/index.ts";

export type PythonError =
  | "AssertionError"
  | "AttributeError"
  | "IndexError"
  | "KeyError"
  | "OverflowError"
  | "RecursionError"
  | "RuntimeError"
  | "SecurityError"
  | "SyntaxError"
  | "TemplateAssertionError"
  | "TemplateError"
  | "TemplateRuntimeError"
  | "TemplateSyntaxError"
  | "FilterArgumentError"
  | "TypeError"
  | "UndefinedError"
  | "ValueError"
  | "ZeroDivisionError";

/** An error that Python raises, too. */
export function pythonError(type: PythonError, message: string): RatchetError {
  const text = type === "TemplateError" ? message : `${type}: ${message}`;
  return new RatchetError("chat_template_unsupported", text);
}

export const UNSUPPORTED_HINT =
  "this part of Jinja is not built: write the template without it (docs/parity.md, Chat templates)";

/** What Python renders and this engine does not: refused by name. */
export function unsupported(construct: string): RatchetError {
  return new RatchetError("chat_template_unsupported", `${construct} is not supported in chat templates`, {
    hint: UNSUPPORTED_HINT,
  });
}
