// The functions that templates find: Jinja2's, and those that transformers adds.
import { pythonError, unsupported } from "../errors.ts";
import { bind, wantInt, wantText } from "../library/arguments.ts";
import { fromKeys } from "../library/container-methods.ts";
import { strftime } from "../library/strftime.ts";
import { iterate, listOf } from "../values/collections.ts";
import { quoted, str } from "../values/repr.ts";
import { Dict, Namespace, PyFunction, PyObject, PyRange, textOf } from "../values/types.ts";
import type { Given, Value } from "../values/types.ts";

/** The sandbox allows no longer range. */
const MAX_RANGE = 100_000;

function range(given: Given): Value {
  const { args } = given;
  bind("range", "a b? c? /", given);
  const numbers = args.map(wantInt);
  const [start, stop, step] = numbers.length === 1 ? [0, numbers[0]!, 1] : [...numbers, 1];
  if (step === 0) throw pythonError("ValueError", "range() arg 3 must not be zero");
  const made = new PyRange(start!, stop!, step!);
  if (made.length > MAX_RANGE)
    throw pythonError(
      "OverflowError",
      `Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MAX_RANGE}).`,
    );
  return made;
}

/** `dict(mapping or pairs, **named)`. */
function dictOf(name: string, { args, named }: Given): Dict {
  if (args.length > 1)
    throw pythonError("TypeError", `${name} expected at most 1 argument, got ${args.length}`);
  const dict = new Dict();
  const [source] = args;
  if (source instanceof Dict) for (const [key, value] of source.pairs()) dict.set(key, value);
  else if (source !== undefined) addPairs(dict, source);
  for (const [key, value] of named) dict.set(key, value);
  return dict;
}

function addPairs(dict: Dict, source: Value): void {
  const items = iterate(source);
  for (let next = items.next(); !next.done; next = items.next()) {
    const pair = listOf(next.value);
    if (pair.length !== 2)
      throw pythonError(
        "ValueError",
        `dictionary update sequence element has length ${pair.length}; 2 is required`,
      );
    dict.set(pair[0]!, pair[1]!);
  }
}

export function checkNamespaceName(name: Value): void {
  const text = textOf(name);
  if (text?.startsWith("_"))
    throw pythonError(
      "SecurityError",
      `Chat templates cannot store underscore-prefixed attributes on a namespace, but got ${quoted(text)}. ` +
        "Please rename the attribute.",
    );
}

function namespace(given: Given): Value {
  const attrs = dictOf("dict", given);
  attrs.keys().forEach(checkNamespaceName);
  return new Namespace(attrs);
}

class TemplateDict extends PyObject {
  override readonly type = "TemplateDict";
  call(given: Given): Value {
    return dictOf("dict", given);
  }
  attribute(name: string): Value | undefined {
    return name === "fromkeys" ? new PyFunction(name, fromKeys) : undefined;
  }
}

class Cycler extends PyObject {
  override readonly type = "Cycler";
  private readonly items: readonly Value[];
  private at = 0;
  constructor(items: readonly Value[]) {
    super();
    this.items = items;
  }
  attribute(name: string): Value | undefined {
    if (name === "current") return this.items[this.at];
    if (name === "pos") return this.at;
    if (name === "reset") return new PyFunction(name, () => this.move(0));
    if (name === "next") return new PyFunction(name, () => this.step());
    return undefined;
  }
  private move(to: number): null {
    this.at = to;
    return null;
  }
  private step(): Value {
    const item = this.items[this.at]!;
    this.at = (this.at + 1) % this.items.length;
    return item;
  }
}

function cycler({ args }: Given): Value {
  if (args.length === 0) throw pythonError("RuntimeError", "at least one item has to be provided");
  return new Cycler(args);
}

class Joiner extends PyObject {
  override readonly type = "Joiner";
  private readonly separator: Value;
  private used = false;
  constructor(separator: Value) {
    super();
    this.separator = separator;
  }
  call(given: Given): Value {
    bind("joiner", "", given);
    if (this.used) return this.separator;
    this.used = true;
    return "";
  }
}

function raise(given: Given): never {
  throw pythonError("TemplateError", str(bind("raise_exception", "message", given)[0]!));
}

/** `now`: the date that templates may print. */
export function globalsOf(now: Date | undefined): ReadonlyMap<string, Value> {
  const functions: Record<string, (given: Given) => Value> = {
    range,
    namespace,
    cycler,
    joiner: (given) => new Joiner(bind("joiner", "sep?", given)[0] ?? ", "),
    raise_exception: raise,
    lipsum: () => {
      throw unsupported("lipsum, whose text is random,");
    },
    strftime_now: (given) => {
      const format = wantText("strftime() argument 1", bind("strftime_now", "format", given)[0]);
      if (!now) throw unsupported("strftime_now, which writes today's date and so another text each day,");
      return strftime(now, format);
    },
  };
  const named = Object.entries(functions).map(([name, call]) => [name, new PyFunction(name, call)] as const);
  return new Map<string, Value>([...named, ["dict", new TemplateDict()]]);
}
