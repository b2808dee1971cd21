// Which variable a name means, by Jinja2's own analysis (jinja2/idtracking.py). Each frame (template, loop,
// macro, `with`, …) has variables of its own for the names that it sets; a name that it only reads is that of
// the nearest frame around it that knows it, else of the context.
import { childrenOf } from "../syntax/ast.ts";
import type { IfNode, Load, Node, Stmt } from "../syntax/ast.ts";

export class Symbols {
  private readonly level: number;
  private readonly parent: Symbols | undefined;
  private readonly refs: Map<string, string>;
  readonly loads: Map<string, Load>;
  private readonly stores: Set<string>;

  constructor(parent?: Symbols, of?: Symbols) {
    this.parent = of ? of.parent : parent;
    this.level = of ? of.level : parent ? parent.level + 1 : 0;
    this.refs = new Map(of?.refs);
    this.loads = new Map(of?.loads);
    this.stores = new Set(of?.stores);
  }

  find(name: string): string | undefined {
    return this.refs.get(name) ?? this.parent?.find(name);
  }

  ref(name: string): string {
    const ident = this.find(name);
    if (ident === undefined) throw new Error(`the name ${name} is not analysed`);
    return ident;
  }

  load(name: string): void {
    if (this.find(name) === undefined) this.define(name, (target) => ({ target, from: "resolve", name }));
  }

  store(name: string): void {
    this.stores.add(name);
    if (this.refs.has(name)) return;
    const outer = this.parent?.find(name);
    this.define(name, (target) =>
      outer === undefined ? { target, from: "undefined" } : { target, from: "alias", ident: outer },
    );
  }

  parameter(name: string): string {
    this.stores.add(name);
    return this.define(name, (target) => ({ target, from: "param" }));
  }

  private define(name: string, load: (ident: string) => Load): string {
    const ident = `${this.level}:${name}`;
    this.refs.set(name, ident);
    this.loads.set(ident, load(ident));
    return ident;
  }

  /** After an `if`: what only a branch sets begins as it was before. */
  private merge(branches: readonly Symbols[]): void {
    const stored = new Set(branches.flatMap((branch) => [...branch.stores]));
    for (const name of this.stores) stored.delete(name);
    for (const branch of branches) {
      for (const [name, ident] of branch.refs) this.refs.set(name, ident);
      for (const [ident, load] of branch.loads) this.loads.set(ident, load);
      for (const name of branch.stores) this.stores.add(name);
    }
    for (const name of stored) {
      const target = this.ref(name);
      const outer = this.parent?.find(name);
      this.loads.set(
        target,
        outer === undefined ? { target, from: "resolve", name } : { target, from: "alias", ident: outer },
      );
    }
  }

  /** Reads a node of the frame's own code; frames inside it are left out. */
  visit(node: Node, asParameter = false): void {
    if (node.kind === "Name") {
      if (asParameter || node.role === "param") this.parameter(node.name);
      else if (node.role === "store") this.store(node.name);
      else this.load(node.name);
    } else if (node.kind === "NSRef") this.load(node.name);
    else if (node.kind === "If") this.visitIf(node);
    else if (node.kind === "Macro") this.store(node.name);
    else for (const child of visited(node)) this.visit(child, asParameter);
  }

  visitAll(nodes: readonly Node[]): void {
    for (const node of nodes) this.visit(node);
  }

  private visitIf({ test, body, elifs, otherwise }: IfNode): void {
    this.visit(test);
    const branch = (nodes: readonly Stmt[]): Symbols => {
      const symbols = new Symbols(undefined, this);
      symbols.visitAll(nodes);
      return symbols;
    };
    this.merge([branch(body), branch(elifs), branch(otherwise)]);
  }
}

/** The children that belong to the frame around the node, in the order in which they run. */
function visited(node: Node): readonly Node[] {
  switch (node.kind) {
    case "Assign":
      return [node.node, node.target];
    case "For":
      return [node.iter];
    case "CallBlock":
      return [node.call];
    case "FilterBlock":
      return [node.filter];
    case "With":
      return node.values;
    case "AssignBlock":
      return [node.target];
    case "Block":
    case "Generation":
      return [];
    default:
      return childrenOf(node);
  }
}

/** Those of the names that the nodes read before they set them, frames inside them included. */
export function undeclared(nodes: readonly Node[], names: readonly string[]): Set<string> {
  const open = new Set(names);
  const found = new Set<string>();
  const visit = (node: Node): void => {
    if (node.kind === "Block" || found.size === names.length) return;
    if (node.kind === "Name") {
      if (node.role !== "load") open.delete(node.name);
      else if (open.has(node.name)) found.add(node.name);
    }
    for (const child of childrenOf(node)) visit(child);
  };
  for (const node of nodes) visit(node);
  return found;
}

export function everyNode(nodes: readonly Node[], visit: (node: Node) => void): void {
  for (const node of nodes) {
    visit(node);
    everyNode(childrenOf(node), visit);
  }
}
