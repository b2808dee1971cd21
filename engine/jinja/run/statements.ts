/* oxlint-disable max-lines -- a method for each kind of statement */
// Statements write to an output and set variables. Each returns whether a `break` or `continue` is on its way
// to a loop.
import { nested, spend, spendText } from "../budget.ts";
import { pythonError } from "../errors.ts";
import { callFilter } from "../library/filters.ts";
import { generator, passed } from "../library/sequence-filters.ts";
import type {
  AssignBlockNode,
  CallBlockNode,
  Expr,
  FilterBlockNode,
  FilterNode,
  ForNode,
  IfNode,
  MacroParts,
  Stmt,
  TemplateNode,
  WithNode,
} from "../syntax/ast.ts";
import { listOf, truth } from "../values/collections.ts";
import { str } from "../values/repr.ts";
import { Namespace } from "../values/types.ts";
import type { Value } from "../values/types.ts";
import { callValue, evaluate, given } from "./expressions.ts";
import { checkNamespaceName } from "./globals.ts";
import { LoopContext } from "./loop.ts";
import { Macro } from "./macro.ts";
import type { Arguments } from "./macro.ts";
import { MISSING, Scope } from "./scope.ts";
import type { Context } from "./scope.ts";

type Signal = "break" | "continue" | undefined;

/** Written where `{% generation %}` and its end stand. */
export interface Marks {
  open: string;
  close: string;
}

class Output {
  private readonly parts: string[] = [];
  private length = 0;
  write(text: string): void {
    this.length += text.length;
    spend(1 + text.length / 32);
    spendText(this.length, true);
    this.parts.push(text);
  }
  text(): string {
    return this.parts.join("");
  }
}

export class Runner {
  private readonly marks: Marks | undefined;
  /** The variables of the rendering, and what the template itself has set since: blocks see that, too. */
  private readonly context: Context;

  constructor(context: Context, marks: Marks | undefined) {
    this.context = new Map(context);
    this.marks = marks;
  }

  template({ body, loads }: TemplateNode): string {
    const scope = new Scope(this.context);
    scope.enter(loads);
    return this.captured(body, scope).text();
  }

  private captured(body: readonly Stmt[], scope: Scope): Output {
    const out = new Output();
    this.all(body, scope, out);
    return out;
  }

  private all(nodes: readonly Stmt[], scope: Scope, out: Output): Signal {
    for (const node of nodes) {
      const signal = this.one(node, scope, out);
      if (signal) return signal;
    }
    return undefined;
  }

  // oxlint-disable-next-line max-lines-per-function -- one table: a line per kind of statement
  private one(node: Stmt, scope: Scope, out: Output): Signal {
    spend(1);
    switch (node.kind) {
      case "Data":
        out.write(node.text);
        return undefined;
      case "Print":
        for (const expr of node.nodes) out.write(str(evaluate(expr, scope)));
        return undefined;
      case "If":
        return this.branch(node, scope, out);
      case "For":
        return this.loop(node, scope, out);
      case "Assign":
        this.checkNamespaces(node.target, scope);
        this.assign(node.target, evaluate(node.node, scope), scope, node.toplevel);
        return undefined;
      case "AssignBlock":
        return this.assignBlock(node, scope);
      case "FilterBlock":
        return this.filterBlock(node, scope, out);
      case "With":
        return this.withBlock(node, scope, out);
      case "Macro": {
        const macro = this.macro(node.name, node, scope);
        scope.set(node.ident, macro);
        if (node.toplevel) this.context.set(node.name, macro);
        return undefined;
      }
      case "CallBlock":
        this.callBlock(node, scope, out);
        return undefined;
      case "Generation":
        if (this.marks) out.write(this.marks.open);
        out.write(this.call(node, scope, []));
        if (this.marks) out.write(this.marks.close);
        return undefined;
      case "Block": {
        const block = new Scope(this.context);
        block.enter(node.loads);
        this.all(node.body, block, out);
        return undefined;
      }
      case "Break":
        return "break";
      case "Continue":
        return "continue";
    }
  }

  private branch(node: IfNode, scope: Scope, out: Output): Signal {
    if (truth(evaluate(node.test, scope))) return this.all(node.body, scope, out);
    for (const other of node.elifs)
      if (truth(evaluate(other.test, scope))) return this.all(other.body, scope, out);
    return this.all(node.otherwise, scope, out);
  }

  private loop(node: ForNode, scope: Scope, out: Output): Signal {
    const items = evaluate(node.iter, scope);
    if (!node.recursive) return this.rounds(node, items, scope, out, 0);
    out.write(this.recursive(node, items, scope, 0));
    return undefined;
  }

  private recursive(node: ForNode, items: Value, scope: Scope, depth: number): string {
    return nested(() => {
      const out = new Output();
      this.rounds(node, items, new Scope(this.context, scope), out, depth);
      return out.text();
    });
  }

  private rounds(node: ForNode, items: Value, scope: Scope, out: Output, depth: number): Signal {
    const outer = node.recursive ? scope : undefined;
    const recurse = outer && ((more: Value, deep: number) => this.recursive(node, more, outer, deep));
    const source = node.test ? generator(this.filtered(node, items, scope)) : items;
    const loop = new LoopContext(source, recurse, depth);
    // As in Python, a round that breaks or continues does not count.
    let finished = false;
    for (let next = loop.next(); !next.done; next = loop.next()) {
      this.assign(node.target, next.value, scope, false);
      if (node.loopIdent !== undefined) scope.set(node.loopIdent, loop);
      scope.enter(node.bodyLoads);
      const signal = this.all(node.body, scope, out);
      if (signal === "break") break;
      if (signal === undefined) finished = true;
    }
    scope.leave(node.bodyLoads);
    if (finished) return undefined;
    scope.enter(node.elseLoads);
    const signal = this.all(node.otherwise, scope, out);
    scope.leave(node.elseLoads);
    return signal;
  }

  private *filtered(node: ForNode, items: Value, scope: Scope): Generator<Value, void> {
    const inside = new Scope(this.context, scope);
    inside.enter(node.testLoads);
    for (const item of passed(items)) {
      this.assign(node.target, item, inside, false);
      if (truth(evaluate(node.test!, inside))) yield item;
    }
  }

  private checkNamespaces(target: Expr, scope: Scope): void {
    if (target.kind === "Tuple") for (const item of target.items) this.checkNamespaces(item, scope);
    if (target.kind === "NSRef" && !(scope.get(target.ident, target.name) instanceof Namespace))
      throw pythonError("TemplateRuntimeError", "cannot assign attribute on non-namespace object");
  }

  private assign(target: Expr, value: Value, scope: Scope, exports: boolean): void {
    if (target.kind === "Name") {
      scope.set(target.ident, value);
      if (exports) this.context.set(target.name, value);
    } else if (target.kind === "NSRef") {
      checkNamespaceName(target.attr);
      (scope.get(target.ident, target.name) as Namespace).attrs.set(target.attr, value);
    } else if (target.kind === "Tuple") {
      const values = listOf(value);
      const [wanted, got] = [target.items.length, values.length];
      if (got > wanted) throw pythonError("ValueError", `too many values to unpack (expected ${wanted})`);
      if (got < wanted)
        throw pythonError("ValueError", `not enough values to unpack (expected ${wanted}, got ${got})`);
      target.items.forEach((item, i) => this.assign(item, values[i]!, scope, exports));
    }
  }

  private assignBlock(node: AssignBlockNode, scope: Scope): Signal {
    this.checkNamespaces(node.target, scope);
    scope.enter(node.loads);
    const out = new Output();
    const signal = this.all(node.body, scope, out);
    if (signal) return signal;
    const value = node.filter ? this.filter(node.filter, out.text(), scope) : out.text();
    this.assign(node.target, value, scope, node.toplevel);
    scope.leave(node.loads);
    return undefined;
  }

  /** The innermost filter of a block takes the block's text. */
  private filter(node: FilterNode, text: string, scope: Scope): Value {
    const value =
      node.node?.kind === "Filter"
        ? this.filter(node.node, text, scope)
        : node.node
          ? evaluate(node.node, scope)
          : text;
    return callFilter(node.name, given(node, scope, [value]));
  }

  private filterBlock(node: FilterBlockNode, scope: Scope, out: Output): Signal {
    scope.enter(node.loads);
    const inside = new Output();
    const signal = this.all(node.body, scope, inside);
    if (signal) return signal;
    out.write(str(this.filter(node.filter, inside.text(), scope)));
    scope.leave(node.loads);
    return undefined;
  }

  private withBlock(node: WithNode, scope: Scope, out: Output): Signal {
    scope.enter(node.loads);
    node.targets.forEach((target, i) => this.assign(target, evaluate(node.values[i]!, scope), scope, false));
    const signal = this.all(node.body, scope, out);
    scope.leave(node.loads);
    return signal;
  }

  private macro(name: string | undefined, parts: MacroParts, scope: Scope): Macro {
    return new Macro(name, parts, (bound) => this.call(parts, scope, bound));
  }

  private call(parts: MacroParts, outer: Scope, bound: Arguments): string {
    return nested(() => {
      const scope = new Scope(this.context, outer);
      for (const [ident, value] of bound) scope.set(ident, value);
      scope.enter(parts.loads);
      const optional = parts.args.length - parts.defaults.length;
      for (const [i, { ident }] of parts.args.entries()) {
        const missing = bound[i]![1] === MISSING;
        if (missing && i >= optional) scope.set(ident, evaluate(parts.defaults[i - optional]!, scope));
      }
      return this.captured(parts.body, scope).text();
    });
  }

  private callBlock(node: CallBlockNode, scope: Scope, out: Output): void {
    const caller = this.macro(undefined, node, scope);
    const callee = evaluate(node.call.node, scope);
    const { args, named } = given(node.call, scope);
    out.write(str(callValue(callee, { args, named: new Map([...named, ["caller", caller]]) })));
  }
}
