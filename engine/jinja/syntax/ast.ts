/* oxlint-disable max-lines -- one table: every node */
// The nodes of a template, as Jinja2 names them (jinja2/nodes.py), and the order in which Jinja2 visits them:
// its rules of scope depend on it.

export interface NameNode {
  kind: "Name";
  name: string;
  /** `param` is set with each call or round, `store` by `set`. */
  role: "load" | "store" | "param";
  /** The variable that the name means where it stands (scopes.ts). */
  ident: string;
}

export interface CallParts {
  args: Expr[];
  kwargs: KeywordNode[];
  dynArgs: Expr | undefined;
  dynKwargs: Expr | undefined;
}

export interface KeywordNode {
  kind: "Keyword";
  key: string;
  value: Expr;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "**" | "and" | "or";
export type UnaryOperator = "+" | "-" | "not";
export type CompareOperator = "eq" | "ne" | "lt" | "lteq" | "gt" | "gteq" | "in" | "notin";

export interface OperandNode {
  kind: "Operand";
  op: CompareOperator;
  expr: Expr;
}

export interface PairNode {
  kind: "Pair";
  key: Expr;
  value: Expr;
}

export interface SliceNode {
  kind: "Slice";
  start: Expr | undefined;
  stop: Expr | undefined;
  step: Expr | undefined;
}

export type FilterNode = { kind: "Filter"; node: Expr | undefined; name: string } & CallParts;
export type TestNode = { kind: "Test"; node: Expr; name: string } & CallParts;
export type CallNode = { kind: "Call"; node: Expr } & CallParts;
export interface TupleNode {
  kind: "Tuple";
  items: Expr[];
}
export interface NSRefNode {
  kind: "NSRef";
  name: string;
  attr: string;
  ident: string;
}

export type Expr =
  | NameNode
  | NSRefNode
  | TupleNode
  | CallNode
  | FilterNode
  | TestNode
  | SliceNode
  | { kind: "Const"; value: null | boolean | number | bigint | string }
  | { kind: "FloatConst"; value: number }
  | { kind: "List"; items: Expr[] }
  | { kind: "Dict"; items: PairNode[] }
  | { kind: "Binary"; op: BinaryOperator; left: Expr; right: Expr }
  | { kind: "Unary"; op: UnaryOperator; node: Expr }
  | { kind: "Compare"; expr: Expr; ops: OperandNode[] }
  | { kind: "Concat"; nodes: Expr[] }
  | { kind: "Condition"; test: Expr; expr1: Expr; expr2: Expr | undefined }
  | { kind: "Getattr"; node: Expr; attr: string }
  | { kind: "Getitem"; node: Expr; arg: Expr };

/** How a frame's variables begin when it is entered. */
export type Load =
  | { target: string; from: "param" | "undefined" }
  | { target: string; from: "resolve"; name: string }
  | { target: string; from: "alias"; ident: string };

export interface ForNode {
  kind: "For";
  target: Expr;
  iter: Expr;
  body: Stmt[];
  otherwise: Stmt[];
  test: Expr | undefined;
  recursive: boolean;
  bodyLoads: Load[];
  elseLoads: Load[];
  testLoads: Load[];
  /** The variable `loop`, where the body uses it. */
  loopIdent: string | undefined;
}

export interface IfNode {
  kind: "If";
  test: Expr;
  body: Stmt[];
  elifs: IfNode[];
  otherwise: Stmt[];
}

export interface MacroParts {
  args: NameNode[];
  defaults: Expr[];
  body: Stmt[];
  loads: Load[];
  caller: string | undefined;
  kwargs: string | undefined;
  varargs: string | undefined;
  /** An argument is called `caller`. */
  explicitCaller: boolean;
}

export type MacroNode = { kind: "Macro"; name: string; ident: string; toplevel: boolean } & MacroParts;
export type CallBlockNode = { kind: "CallBlock"; call: CallNode } & MacroParts;
export type GenerationNode = { kind: "Generation" } & MacroParts;

export interface AssignNode {
  kind: "Assign";
  target: Expr;
  node: Expr;
  /** Blocks see it. */
  toplevel: boolean;
}
export interface AssignBlockNode {
  kind: "AssignBlock";
  target: Expr;
  filter: FilterNode | undefined;
  body: Stmt[];
  loads: Load[];
  toplevel: boolean;
}
export interface FilterBlockNode {
  kind: "FilterBlock";
  body: Stmt[];
  filter: FilterNode;
  loads: Load[];
}
export interface WithNode {
  kind: "With";
  targets: Expr[];
  values: Expr[];
  body: Stmt[];
  loads: Load[];
}
export interface BlockNode {
  kind: "Block";
  name: string;
  body: Stmt[];
  loads: Load[];
}

export type Stmt =
  | { kind: "Data"; text: string }
  | { kind: "Print"; nodes: Expr[] }
  | { kind: "Break" }
  | { kind: "Continue" }
  | ForNode
  | IfNode
  | MacroNode
  | CallBlockNode
  | GenerationNode
  | AssignNode
  | AssignBlockNode
  | FilterBlockNode
  | WithNode
  | BlockNode;

export type Node = Expr | Stmt | KeywordNode | OperandNode | PairNode;

export interface TemplateNode {
  body: Stmt[];
  loads: Load[];
}

const some = (...nodes: (Node | undefined)[]): Node[] =>
  nodes.filter((node): node is Node => node !== undefined);

const parts = ({ args, kwargs, dynArgs, dynKwargs }: CallParts): Node[] => [
  ...args,
  ...kwargs,
  ...some(dynArgs, dynKwargs),
];

type Children = { [K in Node["kind"]]?: (node: Extract<Node, { kind: K }>) => Node[] };

const macro = ({ args, defaults, body }: MacroParts): Node[] => [...args, ...defaults, ...body];

const CHILDREN: Children = {
  Tuple: ({ items }) => items,
  List: ({ items }) => items,
  Dict: ({ items }) => items,
  Pair: ({ key, value }) => [key, value],
  Keyword: ({ value }) => [value],
  Operand: ({ expr }) => [expr],
  Slice: ({ start, stop, step }) => some(start, stop, step),
  Call: (node) => [node.node, ...parts(node)],
  Filter: (node) => [...some(node.node), ...parts(node)],
  Test: (node) => [node.node, ...parts(node)],
  Binary: ({ left, right }) => [left, right],
  Unary: ({ node }) => [node],
  Compare: ({ expr, ops }) => [expr, ...ops],
  Concat: ({ nodes }) => nodes,
  Condition: ({ test, expr1, expr2 }) => some(test, expr1, expr2),
  Getattr: ({ node }) => [node],
  Getitem: ({ node, arg }) => [node, arg],
  Print: ({ nodes }) => nodes,
  For: ({ target, iter, body, otherwise, test }) => [target, iter, ...body, ...otherwise, ...some(test)],
  If: ({ test, body, elifs, otherwise }) => [test, ...body, ...elifs, ...otherwise],
  Macro: macro,
  CallBlock: (node) => [node.call, ...macro(node)],
  Generation: macro,
  Assign: ({ target, node }) => [target, node],
  AssignBlock: ({ target, filter, body }) => [...some(target, filter), ...body],
  FilterBlock: ({ body, filter }) => [...body, filter],
  With: ({ targets, values, body }) => [...targets, ...values, ...body],
  Block: ({ body }) => body,
};

export function childrenOf(node: Node): Node[] {
  return (CHILDREN[node.kind] as ((node: Node) => Node[]) | undefined)?.(node) ?? [];
}
