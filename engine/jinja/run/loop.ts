// The variable `loop` (LoopContext of jinja2/runtime.py). It looks one item ahead, and counts the items when
// it is asked for a length.
import { pythonError } from "../errors.ts";
import { equal, iterate, lengthOf } from "../values/collections.ts";
import { PyFunction, PyObject, Tuple, Undefined } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";
import { bind } from "../library/arguments.ts";

export type Recurse = (items: Value, depth: number) => Value;

export class LoopContext extends PyObject {
  override readonly type = "LoopContext";
  private readonly items: Value;
  private source: Iterator<Value>;
  private readonly recurse: Recurse | undefined;
  private readonly depth0: number;
  private index0 = -1;
  private known: number | undefined;
  private after: IteratorResult<Value> | undefined;
  private current: Value | undefined;
  private before: Value | undefined;
  private lastChanged: Value | undefined;

  constructor(items: Value, recurse: Recurse | undefined, depth0: number) {
    super();
    this.items = items;
    this.source = iterate(items);
    this.recurse = recurse;
    this.depth0 = depth0;
  }

  next(): IteratorResult<Value> {
    const result = this.after?.done === false ? this.after : this.source.next();
    this.after = undefined;
    if (result.done) return result;
    this.index0++;
    this.before = this.current;
    this.current = result.value;
    return result;
  }

  private peek(): IteratorResult<Value> {
    return (this.after ??= this.source.next());
  }

  get length(): number {
    this.known ??= lengthOf(this.items) ?? this.count();
    return this.known;
  }

  private count(): number {
    const rest: Value[] = [];
    for (let next = this.source.next(); !next.done; next = this.source.next()) rest.push(next.value);
    this.source = rest[Symbol.iterator]();
    return rest.length + this.index0 + 1 + (this.after?.done === false ? 1 : 0);
  }

  call({ args }: Given): Value {
    if (!this.recurse)
      throw pythonError("TypeError", "The loop must have the 'recursive' marker to be called recursively.");
    return this.recurse(args[0] ?? null, this.depth0 + 1);
  }

  repr(): string {
    return `<LoopContext ${this.index0 + 1}/${this.length}>`;
  }

  // oxlint-disable-next-line max-lines-per-function -- one table: a line per attribute
  attribute(name: string): Value | undefined {
    switch (name) {
      case "index0":
        return this.index0;
      case "index":
        return this.index0 + 1;
      case "length":
        return this.length;
      case "revindex":
        return this.length - this.index0;
      case "revindex0":
        return this.length - this.index0 - 1;
      case "depth0":
        return this.depth0;
      case "depth":
        return this.depth0 + 1;
      case "first":
        return this.index0 === 0;
      case "last":
        return this.peek().done === true;
      case "previtem":
        return this.index0 === 0 ? new Undefined("there is no previous item") : this.before;
      case "nextitem": {
        const next = this.peek();
        return next.done ? new Undefined("there is no next item") : next.value;
      }
      case "cycle":
        return new PyFunction(name, (given) => this.cycle(given));
      case "changed":
        return new PyFunction(name, (given) => this.changed(given));
      default:
        return undefined;
    }
  }

  private cycle({ args }: Given): Value {
    if (args.length === 0) throw pythonError("TypeError", "no items for cycling given");
    return args[this.index0 % args.length]!;
  }

  private changed({ args, named }: Given): boolean {
    bind("changed", "", { args: [], named });
    const value = new Tuple(args);
    if (this.lastChanged !== undefined && equal(this.lastChanged, value)) return false;
    this.lastChanged = value;
    return true;
  }
}
