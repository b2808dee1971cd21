// A macro, and the body of a call block, which is its caller's macro (Macro of jinja2/runtime.py).
import { pythonError } from "../errors.ts";
import type { MacroParts } from "../syntax/ast.ts";
import { quoted } from "../values/repr.ts";
import { Dict, orElse, PyObject, Tuple, Undefined } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { MISSING } from "./scope.ts";

/** Variables, and what they are at the beginning of a call. */
export type Arguments = [ident: string, value: Value | typeof MISSING][];

export class Macro extends PyObject {
  override readonly type = "Macro";
  private readonly name: string | undefined;
  private readonly parts: MacroParts;
  private readonly run: (given: Arguments) => string;

  constructor(name: string | undefined, parts: MacroParts, run: (given: Arguments) => string) {
    super();
    this.name = name;
    this.parts = parts;
    this.run = run;
  }

  attribute(name: string): Value | undefined {
    if (name === "name") return this.name ?? null;
    if (name === "arguments") return new Tuple(this.parts.args.map((arg) => arg.name));
    if (name === "catch_kwargs") return this.parts.kwargs !== undefined;
    if (name === "catch_varargs") return this.parts.varargs !== undefined;
    return name === "caller" ? this.parts.caller !== undefined || this.parts.explicitCaller : undefined;
  }

  repr(): string {
    return `<Macro ${this.name === undefined ? "anonymous" : quoted(this.name)}>`;
  }

  call({ args, named }: Given): Value {
    const { parts } = this;
    const rest = new Map(named);
    const bound: Arguments = parts.args.map(({ ident, name }, i) => {
      if (i < args.length) return [ident, args[i]!];
      const value = orElse(rest.get(name), MISSING);
      rest.delete(name);
      return [ident, value];
    });
    if (parts.caller !== undefined) {
      bound.push([parts.caller, rest.get("caller") ?? new Undefined("No caller defined")]);
      rest.delete("caller");
    }
    if (parts.kwargs !== undefined) bound.push([parts.kwargs, Dict.of(rest)]);
    else for (const key of rest.keys()) throw this.failure(`takes no keyword argument ${quoted(key)}`);
    const more = args.slice(parts.args.length);
    if (parts.varargs !== undefined) bound.push([parts.varargs, new Tuple(more)]);
    else if (more.length > 0) throw this.failure(`takes not more than ${parts.args.length} argument(s)`);
    return this.run(bound);
  }

  private failure(problem: string): Error {
    return pythonError(
      "TypeError",
      `macro ${this.name === undefined ? "None" : quoted(this.name)} ${problem}`,
    );
  }
}
