// Expressions, with the precedence of jinja2/parser.py: condition, or, and, not, comparison, + -, ~, * / //
// %, **, unary, filters.
import type { CompareOperator, Expr, OperandNode } from "./ast.ts";
import { OperandParser } from "./operands.ts";
import type { TupleOptions } from "./operands.ts";

const COMPARISONS: Record<string, CompareOperator> = {
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "lteq",
  ">": "gt",
  ">=": "gteq",
};

export class ExpressionParser extends OperandParser {
  override expression(withCondition = true): Expr {
    return this.stream.deeper(() => (withCondition ? this.condition() : this.or()));
  }

  override tuple(options: TupleOptions = {}): Expr {
    const { simplified, withCondition = true, endsAt, parenthesized, withNamespace } = options;
    const items: Expr[] = [];
    let isTuple = false;
    for (;;) {
      if (items.length > 0) this.stream.expect("operator", ",");
      if (this.tupleEnds(endsAt)) break;
      items.push(simplified ? this.primary(withNamespace) : this.expression(withCondition));
      if (!this.stream.is("operator", ",")) break;
      isTuple = true;
    }
    if (isTuple) return { kind: "Tuple", items };
    if (items[0]) return items[0];
    if (parenthesized) return { kind: "Tuple", items };
    throw this.stream.failure(`Expected an expression, got '${this.stream.describe()}'`);
  }

  private tupleEnds(endsAt: string | undefined): boolean {
    if (this.stream.is("end") || this.stream.is("operator", ")")) return true;
    return endsAt !== undefined && this.stream.is("name", endsAt);
  }

  private condition(): Expr {
    let expr1 = this.or();
    while (this.stream.skipIf("name", "if")) {
      const test = this.or();
      const expr2 = this.stream.skipIf("name", "else")
        ? this.stream.deeper(() => this.condition())
        : undefined;
      expr1 = { kind: "Condition", test, expr1, expr2 };
    }
    return expr1;
  }

  private or(): Expr {
    let left = this.and();
    while (this.stream.skipIf("name", "or")) left = { kind: "Binary", op: "or", left, right: this.and() };
    return left;
  }

  private and(): Expr {
    let left = this.not();
    while (this.stream.skipIf("name", "and")) left = { kind: "Binary", op: "and", left, right: this.not() };
    return left;
  }

  private not(): Expr {
    if (!this.stream.skipIf("name", "not")) return this.comparison();
    return { kind: "Unary", op: "not", node: this.stream.deeper(() => this.not()) };
  }

  private comparison(): Expr {
    const expr = this.sum();
    const ops: OperandNode[] = [];
    for (;;) {
      const op = this.comparisonOperator();
      if (op === undefined) break;
      ops.push({ kind: "Operand", op, expr: this.sum() });
    }
    return ops.length === 0 ? expr : { kind: "Compare", expr, ops };
  }

  private comparisonOperator(): CompareOperator | undefined {
    const { type, value } = this.stream.current;
    const op = type === "operator" ? COMPARISONS[value] : undefined;
    if (op !== undefined) {
      this.stream.next();
      return op;
    }
    if (this.stream.skipIf("name", "in")) return "in";
    const next = this.stream.look();
    if (!this.stream.is("name", "not") || next.type !== "name" || next.value !== "in") return undefined;
    this.stream.next();
    this.stream.next();
    return "notin";
  }

  private sum(): Expr {
    let left = this.concat();
    while (this.stream.is("operator", "+", "-")) {
      const op = this.stream.next().value as "+" | "-";
      left = { kind: "Binary", op, left, right: this.concat() };
    }
    return left;
  }

  private concat(): Expr {
    const nodes = [this.product()];
    while (this.stream.skipIf("operator", "~")) nodes.push(this.product());
    return nodes.length === 1 ? nodes[0]! : { kind: "Concat", nodes };
  }

  private product(): Expr {
    let left = this.power();
    while (this.stream.is("operator", "*", "/", "//", "%")) {
      const op = this.stream.next().value as "*" | "/" | "//" | "%";
      left = { kind: "Binary", op, left, right: this.power() };
    }
    return left;
  }

  /** From left to right: 2 ** 3 ** 2 is 64. */
  private power(): Expr {
    let left = this.unary();
    while (this.stream.skipIf("operator", "**"))
      left = { kind: "Binary", op: "**", left, right: this.unary() };
    return left;
  }

  private unary(withFilter = true): Expr {
    const sign = this.stream.is("operator", "-", "+") ? (this.stream.next().value as "-" | "+") : undefined;
    const node: Expr =
      sign === undefined
        ? this.primary()
        : { kind: "Unary", op: sign, node: this.stream.deeper(() => this.unary(false)) };
    const whole = this.postfix(node);
    return withFilter ? this.filtered(whole) : whole;
  }
}
