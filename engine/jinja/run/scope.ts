// Variables while a template runs. A scope is what a function's local variables are in the code that Jinja2
// makes: the template, each call of a macro and each round of a recursive loop have one; loops and blocks use
// variables of the scope around them.
import { orElse, undefinedName } from "../values/types.ts";
import type { Load } from "../syntax/ast.ts";
import type { Value } from "../values/types.ts";

export const MISSING = Symbol("missing");

export type Context = Map<string, Value>;

export class Scope {
  private readonly variables = new Map<string, Value | typeof MISSING>();
  private readonly parent: Scope | undefined;
  readonly context: Context;

  constructor(context: Context, parent?: Scope) {
    this.context = context;
    this.parent = parent;
  }

  get(ident: string, name: string): Value {
    const value = this.raw(ident);
    return value === MISSING ? undefinedName(name) : value;
  }

  set(ident: string, value: Value | typeof MISSING): void {
    this.variables.set(ident, value);
  }

  enter(loads: readonly Load[]): void {
    for (const load of loads) {
      // Not `??`: null is Python's None, which is a value.
      if (load.from === "resolve") this.set(load.target, orElse(this.context.get(load.name), MISSING));
      else if (load.from === "alias") this.set(load.target, this.raw(load.ident));
      else if (load.from === "undefined") this.set(load.target, MISSING);
    }
  }

  leave(loads: readonly Load[]): void {
    for (const { target } of loads) this.set(target, MISSING);
  }

  private raw(ident: string): Value | typeof MISSING {
    const value = this.variables.get(ident);
    if (value !== undefined) return value;
    return this.parent ? this.parent.raw(ident) : MISSING;
  }
}
