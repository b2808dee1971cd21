/* oxlint-disable max-lines -- a method for each kind of operand */
// Operands of expressions: names, literals, brackets, and the calls, subscripts, filters and tests behind
// them.
import { pythonError, unsupported } from "../errors.ts";
import type { CallParts, Expr, FilterNode, PairNode, SliceNode } from "./ast.ts";
import type { TokenStream } from "./stream.ts";

export interface TupleOptions {
  /** Names and literals only: targets of `set` and `for`. */
  simplified?: boolean;
  withCondition?: boolean;
  /** The name that ends a tuple, as `in` of a loop. */
  endsAt?: string;
  parenthesized?: boolean;
  withNamespace?: boolean;
}

const CONSTANTS: Record<string, null | boolean> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};

export abstract class OperandParser {
  protected readonly stream: TokenStream;

  constructor(stream: TokenStream) {
    this.stream = stream;
  }

  abstract expression(withCondition?: boolean): Expr;
  abstract tuple(options?: TupleOptions): Expr;

  protected primary(withNamespace = false): Expr {
    const token = this.stream.current;
    if (token.type === "name") return this.name(withNamespace);
    if (token.type === "string") return { kind: "Const", value: this.strings() };
    if (token.type === "integer" || token.type === "float") {
      this.stream.next();
      if (token.type === "float") return { kind: "FloatConst", value: token.number as number };
      return { kind: "Const", value: token.number! };
    }
    if (this.stream.skipIf("operator", "(")) {
      const inner = this.stream.deeper(() => this.tuple({ parenthesized: true }));
      this.stream.expect("operator", ")");
      return inner;
    }
    if (this.stream.skipIf("operator", "[")) return { kind: "List", items: this.items("]") };
    if (this.stream.skipIf("operator", "{")) return this.dict();
    throw this.stream.failure(`unexpected '${this.stream.describe()}'`);
  }

  private name(withNamespace: boolean): Expr {
    const { value } = this.stream.next();
    if (Object.hasOwn(CONSTANTS, value)) return { kind: "Const", value: CONSTANTS[value]! };
    if (withNamespace && this.stream.skipIf("operator", "."))
      return { kind: "NSRef", name: value, attr: this.stream.expect("name").value, ident: "" };
    return { kind: "Name", name: value, role: "load", ident: "" };
  }

  /** Literals beside each other are one text. */
  private strings(): string {
    let text = "";
    while (this.stream.is("string")) text += this.stream.next().value;
    return text;
  }

  private items(close: string): Expr[] {
    const items: Expr[] = [];
    while (!this.stream.is("operator", close)) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.stream.is("operator", close)) break;
      items.push(this.expression());
    }
    this.stream.expect("operator", close);
    return items;
  }

  private dict(): Expr {
    const items: PairNode[] = [];
    while (!this.stream.is("operator", "}")) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.stream.is("operator", "}")) break;
      const key = this.expression();
      this.stream.expect("operator", ":");
      items.push({ kind: "Pair", key, value: this.expression() });
    }
    this.stream.expect("operator", "}");
    return { kind: "Dict", items };
  }

  protected postfix(start: Expr): Expr {
    let node = start;
    for (;;) {
      if (this.stream.is("operator", ".", "[")) node = this.subscript(node);
      else if (this.stream.is("operator", "(")) node = { kind: "Call", node, ...this.callArguments() };
      else return node;
    }
  }

  protected filtered(start: Expr): Expr {
    let node = start;
    for (;;) {
      if (this.stream.is("operator", "|")) node = this.filters(node)!;
      else if (this.stream.is("name", "is")) node = this.test(node);
      else if (this.stream.is("operator", "(")) node = { kind: "Call", node, ...this.callArguments() };
      else return node;
    }
  }

  private subscript(node: Expr): Expr {
    if (this.stream.next().value === ".") {
      const token = this.stream.next();
      if (token.type === "name") return { kind: "Getattr", node, attr: token.value };
      if (token.type !== "integer") throw this.stream.failure("expected name or number", token.line);
      return { kind: "Getitem", node, arg: { kind: "Const", value: token.number! } };
    }
    const args: Expr[] = [];
    while (!this.stream.is("operator", "]")) {
      if (args.length > 0) this.stream.expect("operator", ",");
      args.push(this.subscribed());
    }
    this.stream.expect("operator", "]");
    if (args.length > 1 && args.some((arg) => arg.kind === "Slice"))
      throw unsupported("several slices at once");
    return { kind: "Getitem", node, arg: args.length === 1 ? args[0]! : { kind: "Tuple", items: args } };
  }

  private subscribed(): Expr {
    const start = this.stream.is("operator", ":") ? undefined : this.expression();
    if (!this.stream.skipIf("operator", ":")) return start!;
    const slice: SliceNode = { kind: "Slice", start, stop: this.sliceBound(), step: undefined };
    if (this.stream.skipIf("operator", ":")) slice.step = this.sliceBound();
    return slice;
  }

  private sliceBound(): Expr | undefined {
    return this.stream.is("operator", ":", "]", ",") ? undefined : this.expression();
  }

  protected callArguments(): CallParts {
    const parts: CallParts = { args: [], kwargs: [], dynArgs: undefined, dynKwargs: undefined };
    this.stream.expect("operator", "(");
    let more = false;
    while (!this.stream.is("operator", ")")) {
      if (more) this.stream.expect("operator", ",");
      if (this.stream.is("operator", ")")) break;
      this.argument(parts);
      more = true;
    }
    this.stream.expect("operator", ")");
    return parts;
  }

  private argument(parts: CallParts): void {
    const ensure = (valid: boolean): void => {
      if (!valid) throw this.stream.failure("invalid syntax for function call expression");
    };
    const next = this.stream.look();
    if (this.stream.skipIf("operator", "*")) {
      ensure(!parts.dynArgs && !parts.dynKwargs);
      parts.dynArgs = this.expression();
    } else if (this.stream.skipIf("operator", "**")) {
      ensure(!parts.dynKwargs);
      parts.dynKwargs = this.expression();
    } else if (this.stream.is("name") && next.type === "operator" && next.value === "=") {
      ensure(!parts.dynKwargs);
      const key = this.stream.next().value;
      this.stream.next();
      if (parts.kwargs.some((other) => other.key === key))
        throw pythonError("SyntaxError", `keyword argument repeated: ${key}`);
      parts.kwargs.push({ kind: "Keyword", key, value: this.expression() });
    } else {
      ensure(!parts.dynArgs && !parts.dynKwargs && parts.kwargs.length === 0);
      parts.args.push(this.expression());
    }
  }

  /** `inline`: the first filter has no bar before it, as in `{% filter upper %}`. */
  filters(start: Expr | undefined, inline = false): Expr | undefined {
    let node = start;
    let first = inline;
    while (first || this.stream.is("operator", "|")) {
      if (!first) this.stream.next();
      first = false;
      const name = this.dottedName();
      const filter: FilterNode = { kind: "Filter", node, name, ...this.optionalArguments() };
      node = filter;
    }
    return node;
  }

  private dottedName(): string {
    let name = this.stream.expect("name").value;
    while (this.stream.skipIf("operator", ".")) name += `.${this.stream.expect("name").value}`;
    return name;
  }

  private optionalArguments(): CallParts {
    if (this.stream.is("operator", "(")) return this.callArguments();
    return { args: [], kwargs: [], dynArgs: undefined, dynKwargs: undefined };
  }

  private test(node: Expr): Expr {
    this.stream.next();
    const negated = this.stream.skipIf("name", "not");
    const name = this.dottedName();
    const parts = this.optionalTestArguments();
    const test: Expr = { kind: "Test", node, name, ...parts };
    return negated ? { kind: "Unary", op: "not", node: test } : test;
  }

  private optionalTestArguments(): CallParts {
    if (this.stream.is("operator", "(") || !this.testArgumentStarts()) return this.optionalArguments();
    if (this.stream.is("name", "is")) throw this.stream.failure("You cannot chain multiple tests with is");
    return { ...this.optionalArguments(), args: [this.postfix(this.primary())] };
  }

  private testArgumentStarts(): boolean {
    const { type } = this.stream.current;
    if (type === "name") return !this.stream.is("name", "else", "or", "and");
    if (type === "operator") return this.stream.is("operator", "[", "{");
    return type === "string" || type === "integer" || type === "float";
  }
}
