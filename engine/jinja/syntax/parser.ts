/* oxlint-disable max-lines -- a method for each tag */
// Statements (jinja2/parser.py), with loop controls and transformers' `{% generation %}`. Tags that need
// other templates are refused by name.
import { unsupported } from "../errors.ts";
import type {
  AssignBlockNode,
  AssignNode,
  BlockNode,
  CallBlockNode,
  Expr,
  FilterNode,
  ForNode,
  GenerationNode,
  IfNode,
  MacroNode,
  MacroParts,
  NameNode,
  Stmt,
  WithNode,
} from "./ast.ts";
import { ExpressionParser } from "./expressions.ts";
import type { TupleOptions } from "./operands.ts";
import { tokenize } from "./lexer.ts";
import { TokenStream } from "./stream.ts";

/** Tags of Jinja2 that this engine lacks. */
const REFUSED = ["extends", "include", "import", "from", "autoescape"];

type Target = Extract<Expr, { kind: "Name" | "NSRef" | "Tuple" }>;

export function parse(source: string): Stmt[] {
  return new Parser(new TokenStream(tokenize(source))).template();
}

class Parser extends ExpressionParser {
  private readonly tags: string[] = [];

  template(): Stmt[] {
    return this.statementsUntil([]);
  }

  /** Statements up to one of the tags, whose name is then the current token; without tags, up to the end. */
  private statementsUntil(ends: readonly string[]): Stmt[] {
    const body: Stmt[] = [];
    let prints: Expr[] = [];
    const flush = (): void => {
      if (prints.length > 0) body.push({ kind: "Print", nodes: prints });
      prints = [];
    };
    while (!this.stream.is("eof")) {
      if (this.stream.is("data")) {
        flush();
        body.push({ kind: "Data", text: this.stream.next().value });
      } else if (this.stream.next().value === "{{") {
        prints.push(this.tuple());
        this.stream.expect("end");
      } else {
        flush();
        if (this.stream.is("name", ...ends) && ends.length > 0) return body;
        body.push(this.stream.deeper(() => this.statement(ends)));
        this.stream.expect("end");
      }
    }
    flush();
    if (ends.length > 0) throw this.unclosed(undefined, ends);
    return body;
  }

  private body(...ends: string[]): Stmt[] {
    this.stream.skipIf("operator", ":");
    this.stream.expect("end");
    return this.statementsUntil(ends);
  }

  private closedBody(end: string): Stmt[] {
    const body = this.body(end);
    this.stream.next();
    return body;
  }

  private statement(ends: readonly string[]): Stmt {
    const { type, value: tag, line } = this.stream.current;
    if (type !== "name") throw this.stream.failure("tag name expected");
    if (REFUSED.includes(tag)) throw unsupported(`{% ${tag} %}`);
    const parse = this.parsers()[tag];
    if (!parse) throw this.unclosed(tag, ends, line);
    this.stream.next();
    this.tags.push(tag);
    const node = parse();
    this.tags.pop();
    return node;
  }

  private parsers(): Record<string, (() => Stmt) | undefined> {
    return {
      for: () => this.forLoop(),
      if: () => this.ifBlock(),
      set: () => this.assignment(),
      macro: () => this.macro(),
      call: () => this.callBlock(),
      filter: () => this.filterBlock(),
      with: () => this.withBlock(),
      block: () => this.block(),
      print: () => this.print(),
      generation: () => this.generation(),
      break: () => ({ kind: "Break" }),
      continue: () => ({ kind: "Continue" }),
    };
  }

  private unclosed(tag: string | undefined, ends: readonly string[], line?: number): Error {
    const parts = [tag === undefined ? "Unexpected end of template." : `Encountered unknown tag '${tag}'.`];
    const looking = ends.map((end) => `'${end}'`).join(" or ");
    if (looking !== "") parts.push(`Jinja was looking for the following tags: ${looking}.`);
    const innermost = this.tags.at(-1);
    if (innermost !== undefined) parts.push(`The innermost block that needs to be closed is '${innermost}'.`);
    return this.stream.failure(parts.join(" "), line);
  }

  private target(options: TupleOptions, role: "store" | "param" = "store"): Target {
    const target = this.tuple({ ...options, simplified: true });
    this.makeTarget(target, role);
    return target as Target;
  }

  private makeTarget(target: Expr, role: "store" | "param"): void {
    if (target.kind === "Name") target.role = role;
    else if (target.kind === "Tuple") for (const item of target.items) this.makeTarget(item, role);
    else if (target.kind !== "NSRef")
      throw this.stream.failure(`can't assign to '${target.kind.toLowerCase()}'`);
  }

  private targetName(role: "store" | "param"): NameNode {
    const { value, line } = this.stream.expect("name");
    if (["true", "false", "none", "True", "False", "None"].includes(value))
      throw this.stream.failure("can't assign to 'const'", line);
    return { kind: "Name", name: value, role, ident: "" };
  }

  private assignment(): AssignNode | AssignBlockNode {
    const target = this.target({ withNamespace: true });
    if (this.stream.skipIf("operator", "="))
      return { kind: "Assign", target, node: this.tuple(), toplevel: false };
    const filter = this.filters(undefined) as FilterNode | undefined;
    const body = this.closedBody("endset");
    return { kind: "AssignBlock", target, filter, body, loads: [], toplevel: false };
  }

  private forLoop(): ForNode {
    const target = this.target({ endsAt: "in" });
    this.stream.expect("name", "in");
    const iter = this.tuple({ withCondition: false, endsAt: "recursive" });
    const test = this.stream.skipIf("name", "if") ? this.expression() : undefined;
    const recursive = this.stream.skipIf("name", "recursive");
    const body = this.body("endfor", "else");
    const otherwise = this.stream.next().value === "endfor" ? [] : this.closedBody("endfor");
    const loads = { bodyLoads: [], elseLoads: [], testLoads: [], loopIdent: undefined };
    return { kind: "For", target, iter, body, otherwise, test, recursive, ...loads };
  }

  private ifBlock(): IfNode {
    const result: IfNode = { kind: "If", test: this.ifTest(), body: [], elifs: [], otherwise: [] };
    let node = result;
    for (;;) {
      node.body = this.body("elif", "else", "endif");
      const { value } = this.stream.next();
      if (value === "elif") {
        node = { kind: "If", test: this.ifTest(), body: [], elifs: [], otherwise: [] };
        result.elifs.push(node);
        continue;
      }
      if (value === "else") result.otherwise = this.closedBody("endif");
      return result;
    }
  }

  private ifTest(): Expr {
    return this.tuple({ withCondition: false });
  }

  private withBlock(): WithNode {
    const node: WithNode = { kind: "With", targets: [], values: [], body: [], loads: [] };
    while (!this.stream.is("end")) {
      if (node.targets.length > 0) this.stream.expect("operator", ",");
      node.targets.push(this.target({}, "param"));
      this.stream.expect("operator", "=");
      node.values.push(this.expression());
    }
    node.body = this.closedBody("endwith");
    return node;
  }

  private block(): BlockNode {
    const name = this.stream.expect("name").value;
    if (this.stream.is("name", "scoped", "required"))
      throw unsupported(`{% block … ${this.stream.current.value} %}`);
    const body = this.closedBody("endblock");
    this.stream.skipIf("name", name);
    return { kind: "Block", name, body, loads: [] };
  }

  private signature(): Pick<MacroParts, "args" | "defaults"> {
    const args: NameNode[] = [];
    const defaults: Expr[] = [];
    this.stream.expect("operator", "(");
    while (!this.stream.is("operator", ")")) {
      if (args.length > 0) this.stream.expect("operator", ",");
      args.push(this.targetName("param"));
      if (this.stream.skipIf("operator", "=")) defaults.push(this.expression());
      else if (defaults.length > 0)
        throw this.stream.failure("non-default argument follows default argument");
    }
    this.stream.expect("operator", ")");
    return { args, defaults };
  }

  private macroParts(signature: Pick<MacroParts, "args" | "defaults">, end: string): MacroParts {
    const names = { caller: undefined, kwargs: undefined, varargs: undefined, explicitCaller: false };
    return { ...signature, body: this.closedBody(end), loads: [], ...names };
  }

  private macro(): MacroNode {
    const { name } = this.targetName("store");
    return {
      kind: "Macro",
      name,
      ident: "",
      toplevel: false,
      ...this.macroParts(this.signature(), "endmacro"),
    };
  }

  private callBlock(): CallBlockNode {
    const signature = this.stream.is("operator", "(") ? this.signature() : { args: [], defaults: [] };
    const call = this.expression();
    if (call.kind !== "Call") throw this.stream.failure("expected call");
    return { kind: "CallBlock", call, ...this.macroParts(signature, "endcall") };
  }

  private generation(): GenerationNode {
    return { kind: "Generation", ...this.macroParts({ args: [], defaults: [] }, "endgeneration") };
  }

  private filterBlock(): Stmt {
    const filter = this.filters(undefined, true) as FilterNode;
    return { kind: "FilterBlock", filter, body: this.closedBody("endfilter"), loads: [] };
  }

  private print(): Stmt {
    const nodes: Expr[] = [];
    while (!this.stream.is("end")) {
      if (nodes.length > 0) this.stream.expect("operator", ",");
      nodes.push(this.expression());
    }
    return { kind: "Print", nodes };
  }
}
