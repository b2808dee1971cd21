// Gives each name of a template the variable that it means, and each frame the variables that it begins with,
// as the code generator of Jinja2 does (jinja2/compiler.py). What Jinja2 refuses before it renders is refused
// here.
import { pythonError, unsupported } from "../errors.ts";
import { hasFilter, hasTest } from "../library/filters.ts";
import { childrenOf } from "../syntax/ast.ts";
import type {
  AssignBlockNode,
  BlockNode,
  ForNode,
  Load,
  MacroParts,
  NameNode,
  Node,
  Stmt,
  TemplateNode,
  WithNode,
} from "../syntax/ast.ts";
import { everyNode, Symbols, undeclared } from "./symbols.ts";

interface Frame {
  symbols: Symbols;
  /** The template's own, branches of `if` included. */
  toplevel: boolean;
  /** Inside a branch: filters and tests are looked up when it runs. */
  soft: boolean;
  /** `break` has a loop to leave. */
  inLoop: boolean;
}

export function resolve(body: Stmt[]): TemplateNode {
  const symbols = new Symbols();
  if (undeclared(body, ["self"]).size > 0) throw unsupported("the variable self");
  symbols.visitAll(body);
  visitAll(body, { symbols, toplevel: true, soft: false, inLoop: false });
  return { body, loads: loadsOf(symbols) };
}

const loadsOf = (symbols: Symbols): Load[] => [...symbols.loads.values()];

const inner = (frame: Frame, inLoop = frame.inLoop): Frame => ({
  symbols: new Symbols(frame.symbols),
  toplevel: false,
  soft: false,
  inLoop,
});

function visitAll(nodes: readonly Node[], frame: Frame): void {
  for (const node of nodes) visit(node, frame);
}

function visit(node: Node, frame: Frame): void {
  switch (node.kind) {
    case "Name":
    case "NSRef":
      node.ident = frame.symbols.ref(node.name);
      return;
    case "If":
      visit(node.test, { ...frame, soft: true });
      visitAll([...node.body, ...node.elifs, ...node.otherwise], { ...frame, soft: true });
      return;
    case "Condition":
      visitAll(childrenOf(node), { ...frame, soft: true });
      return;
    case "Filter":
    case "Test":
      checkName(node.kind, node.name, frame);
      break;
    case "Break":
    case "Continue":
      if (!frame.inLoop) throw pythonError("SyntaxError", `'${node.kind.toLowerCase()}' outside loop`);
      return;
    default:
      if (visitFrame(node, frame)) return;
  }
  visitAll(childrenOf(node), frame);
}

function checkName(kind: "Filter" | "Test", name: string, frame: Frame): void {
  if (frame.soft || (kind === "Filter" ? hasFilter(name) : hasTest(name))) return;
  throw pythonError("TemplateAssertionError", `No ${kind.toLowerCase()} named '${name}'.`);
}

/** Nodes with frames of their own; false for others. */
function visitFrame(node: Node, frame: Frame): boolean {
  if (node.kind === "For") visitFor(node, frame);
  else if (node.kind === "CallBlock") {
    visitMacro(node, frame);
    visit(node.call, frame);
  } else if (node.kind === "Generation") visitMacro(node, frame);
  else if (node.kind === "Macro") {
    node.ident = frame.symbols.ref(node.name);
    node.toplevel = frame.toplevel;
    visitMacro(node, frame);
  } else if (node.kind === "With") visitWith(node, frame);
  else if (node.kind === "AssignBlock") visitAssignBlock(node, frame);
  else if (node.kind === "FilterBlock") {
    const block = inner(frame);
    block.symbols.visitAll([...node.body, node.filter]);
    visitAll([...node.body, node.filter], block);
    node.loads = loadsOf(block.symbols);
  } else if (node.kind === "Block") visitBlock(node);
  else {
    if (node.kind === "Assign") node.toplevel = frame.toplevel;
    return false;
  }
  return true;
}

function visitFor(node: ForNode, frame: Frame): void {
  everyNode([node], (child) => {
    if (child.kind === "Name" && child.role === "store" && child.name === "loop")
      throw pythonError("TemplateAssertionError", "Can't assign to special loop variable in for-loop target");
  });
  const loop = inner(frame, true);
  if (node.recursive || undeclared(node.body, ["loop"]).size > 0)
    node.loopIdent = loop.symbols.parameter("loop");
  loop.symbols.visit(node.target, true);
  loop.symbols.visitAll(node.body);
  visit(node.target, loop);
  visitAll(node.body, loop);
  node.bodyLoads = loadsOf(loop.symbols);
  if (node.test) {
    const test = inner(frame);
    test.symbols.visit(node.target, true);
    test.symbols.visit(node.test);
    visit(node.test, test);
    node.testLoads = loadsOf(test.symbols);
  }
  const otherwise = inner(frame, frame.inLoop && !node.recursive);
  otherwise.symbols.visitAll(node.otherwise);
  visitAll(node.otherwise, otherwise);
  node.elseLoads = loadsOf(otherwise.symbols);
  visit(node.iter, frame);
}

function visitMacro(node: MacroParts, frame: Frame): void {
  const macro = inner(frame, false);
  macro.symbols.visitAll([...node.args, ...node.defaults, ...node.body]);
  const used = undeclared(node.body, ["caller", "kwargs", "varargs"]);
  const named = (name: string): NameNode | undefined => node.args.find((arg) => arg.name === name);
  const caller = named("caller");
  node.explicitCaller = caller !== undefined;
  if (used.has("caller")) {
    if (caller && node.args.indexOf(caller) < node.args.length - node.defaults.length)
      throw pythonError(
        "TemplateAssertionError",
        'the special "caller" argument must be omitted or be given a default.',
      );
    if (!caller) node.caller = macro.symbols.parameter("caller");
  }
  if (used.has("kwargs") && !named("kwargs")) node.kwargs = macro.symbols.parameter("kwargs");
  if (used.has("varargs") && !named("varargs")) node.varargs = macro.symbols.parameter("varargs");
  visitAll([...node.args, ...node.defaults, ...node.body], macro);
  node.loads = loadsOf(macro.symbols);
}

function visitWith(node: WithNode, frame: Frame): void {
  const block = inner(frame);
  block.symbols.visitAll([...node.targets, ...node.body]);
  visitAll([...node.targets, ...node.body], block);
  visitAll(node.values, frame);
  node.loads = loadsOf(block.symbols);
}

function visitAssignBlock(node: AssignBlockNode, frame: Frame): void {
  const block = inner(frame);
  block.symbols.visitAll(node.body);
  visitAll(node.body, block);
  if (node.filter) visit(node.filter, block);
  visit(node.target, frame);
  node.loads = loadsOf(block.symbols);
  node.toplevel = frame.toplevel;
}

/** Blocks see the context and what the template itself has set, not the frames around them. */
function visitBlock(node: BlockNode): void {
  for (const name of undeclared(node.body, ["self", "super"])) throw unsupported(`the variable ${name}`);
  const symbols = new Symbols();
  symbols.visitAll(node.body);
  visitAll(node.body, { symbols, toplevel: false, soft: false, inLoop: false });
  node.loads = loadsOf(symbols);
}
