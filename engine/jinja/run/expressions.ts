// The value of an expression.
import { spend, spendItems, spendText } from "../budget.ts";
import { pythonError, unsupported } from "../errors.ts";
import { getAttribute, getItem, getSlice } from "../library/attributes.ts";
import { callFilter, callTest } from "../library/filters.ts";
import type { CallParts, Expr } from "../syntax/ast.ts";
import { listOf, truth } from "../values/collections.ts";
import { binary, compare, unary } from "../values/operators.ts";
import { integer } from "../values/numbers.ts";
import { str } from "../values/repr.ts";
import { Dict, Float, PyObject, textOf, Tuple, typeName, Undefined } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import type { Scope } from "./scope.ts";

/** Values that can be called. */
export interface Callable {
  call: (given: Given) => Value;
}

type Of<K extends Expr["kind"]> = Extract<Expr, { kind: K }>;

// oxlint-disable-next-line max-lines-per-function -- one table: a line per kind of expression
export function evaluate(node: Expr, scope: Scope): Value {
  spend(1);
  switch (node.kind) {
    case "Const":
      return node.value;
    case "FloatConst":
      return new Float(node.value);
    case "Name":
      return scope.get(node.ident, node.name);
    case "List":
      return node.items.map((item) => evaluate(item, scope));
    case "Tuple":
      return new Tuple(node.items.map((item) => evaluate(item, scope)));
    case "Dict":
      return Dict.of(node.items.map(({ key, value }) => [evaluate(key, scope), evaluate(value, scope)]));
    case "Binary":
      return evaluateBinary(node, scope);
    case "Unary":
      return unary(node.op, evaluate(node.node, scope));
    case "Compare":
      return evaluateCompare(node, scope);
    case "Concat":
      return concat(node.nodes.map((part) => evaluate(part, scope)));
    case "Condition":
      return evaluateCondition(node, scope);
    case "Getattr":
      return getAttribute(evaluate(node.node, scope), node.attr);
    case "Getitem":
      return evaluateItem(node, scope);
    case "Filter":
      return callFilter(node.name, given(node, scope, [evaluate(node.node!, scope)]));
    case "Test":
      return callTest(node.name, given(node, scope, [evaluate(node.node, scope)]));
    case "Call":
      return callValue(evaluate(node.node, scope), given(node, scope));
    default:
      throw pythonError("TemplateSyntaxError", `a ${node.kind} is no expression`);
  }
}

function evaluateBinary({ op, left, right }: Of<"Binary">, scope: Scope): Value {
  const value = evaluate(left, scope);
  if (op === "and") return truth(value) ? evaluate(right, scope) : value;
  if (op === "or") return truth(value) ? value : evaluate(right, scope);
  return binary(op, value, evaluate(right, scope));
}

/** a < b < c is a < b and b < c. */
function evaluateCompare({ expr, ops }: Of<"Compare">, scope: Scope): Value {
  let left = evaluate(expr, scope);
  for (const operand of ops) {
    const right = evaluate(operand.expr, scope);
    if (!compare(operand.op, left, right)) return false;
    left = right;
  }
  return true;
}

function evaluateCondition({ test, expr1, expr2 }: Of<"Condition">, scope: Scope): Value {
  if (truth(evaluate(test, scope))) return evaluate(expr1, scope);
  if (expr2) return evaluate(expr2, scope);
  return new Undefined("the inline if-expression evaluated to false and no else section was defined.");
}

function concat(values: readonly Value[]): string {
  const texts = values.map(str);
  spendText(
    texts.reduce((sum, text) => sum + text.length, 0),
    true,
  );
  return texts.join("");
}

function evaluateItem({ node, arg }: Of<"Getitem">, scope: Scope): Value {
  const value = evaluate(node, scope);
  if (arg.kind !== "Slice") return getItem(value, evaluate(arg, scope));
  const bound = (part: Expr | undefined): Value => (part ? evaluate(part, scope) : null);
  const bounds = [bound(arg.start), bound(arg.stop), bound(arg.step)] as const;
  // Jinja2 computes literals beforehand, by another rule.
  const literal = node.kind === "Const" || node.kind === "List" || node.kind === "Tuple";
  if (literal && bounds.some((one) => one !== null && integer(one) === undefined))
    throw unsupported("a slice of a literal by what is no integer");
  return getSlice(value, ...bounds);
}

export function given(parts: CallParts, scope: Scope, first: Value[] = []): Given {
  const args = [...first, ...parts.args.map((arg) => evaluate(arg, scope))];
  const named = new Map(parts.kwargs.map(({ key, value }) => [key, evaluate(value, scope)]));
  if (parts.dynArgs) args.push(...listOf(evaluate(parts.dynArgs, scope)));
  if (parts.dynKwargs) addNamed(named, evaluate(parts.dynKwargs, scope));
  spendItems(args.length);
  return { args, named };
}

function addNamed(named: Map<string, Value>, values: Value): void {
  if (!(values instanceof Dict)) throw pythonError("TypeError", "argument after ** must be a mapping");
  for (const [key, value] of values.pairs()) {
    const name = textOf(key);
    if (name === undefined) throw pythonError("TypeError", "keywords must be strings");
    if (named.has(name)) throw pythonError("TypeError", `got multiple values for keyword argument '${name}'`);
    named.set(name, value);
  }
}

export function callValue(callee: Value, args: Given): Value {
  if (callee instanceof Undefined) throw callee.fail();
  if (callee instanceof PyObject && "call" in callee) return (callee as unknown as Callable).call(args);
  throw pythonError("TypeError", `'${typeName(callee)}' object is not callable`);
}
