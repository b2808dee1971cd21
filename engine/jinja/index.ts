// Chat templates in Jinja2's language, rendered as transformers renders them: the immutable sandbox with
// trim_blocks, lstrip_blocks, loop controls and `{% generation %}`. docs/parity.md lists what is refused by
// name.
import { startBudget } from "./budget.ts";
import { pythonError } from "./errors.ts";
import { globalsOf } from "./run/globals.ts";
import { resolve } from "./run/resolve.ts";
import { Runner } from "./run/statements.ts";
import type { Marks } from "./run/statements.ts";
import type { TemplateNode } from "./syntax/ast.ts";
import { parse } from "./syntax/parser.ts";
import { fromJson } from "./values/convert.ts";
import type { Json } from "./values/convert.ts";

export type { Json, Marks };

export interface RenderOptions {
  /** The date of `strftime_now`, which is refused without one. */
  now?: Date | undefined;
  /** Texts to write where `{% generation %}` and its end stand. */
  marks?: Marks | undefined;
}

export class Template {
  private readonly tree: TemplateNode;

  constructor(source: string) {
    this.tree = limited(() => resolve(parse(source)));
  }

  render(variables: Readonly<Record<string, Json>>, { now, marks }: RenderOptions = {}): string {
    return limited(() => {
      const globals = globalsOf(now);
      const values = new Map(Object.entries(variables).map(([name, json]) => [name, fromJson(json)]));
      const context = new Map([...globals, ...values]);
      return new Runner(context, marks).template(this.tree);
    });
  }
}

function limited<T>(work: () => T): T {
  startBudget();
  try {
    return work();
  } catch (error) {
    // The stack of JavaScript has overflowed.
    if (error instanceof RangeError) throw pythonError("RecursionError", "maximum recursion depth exceeded");
    throw error;
  }
}
