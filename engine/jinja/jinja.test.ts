import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RatchetError } from "../../errors/index.ts";
import { LIMITS } from "./budget.ts";
import { UNSUPPORTED_HINT } from "./errors.ts";
import { Template } from "./index.ts";
import type { Json, RenderOptions } from "./index.ts";
import { anyText } from "../../test/support/any-text.ts";

const render = (source: string, variables: Record<string, Json> = {}, options?: RenderOptions): string =>
  new Template(source).render(variables, options);

const refuses = (source: string, message: RegExp, variables: Record<string, Json> = {}): void =>
  assert.throws(
    () => render(source, variables),
    (error) =>
      error instanceof RatchetError &&
      error.code === "chat_template_unsupported" &&
      message.test(error.message),
    source,
  );

describe("scopes", () => {
  it("a set inside a loop ends with the round, a namespace keeps it", () => {
    const body = "{% if x is defined %}leak{% endif %}{% set x = i %}{% set ns.x = i %}";
    const source = `{% set ns = namespace(x=0) %}{% for i in [1, 2] %}${body}{% endfor %}{{ x }}{{ ns.x }}`;
    assert.equal(render(source), "2");
  });

  it("a macro sees the template's variables when it is called, not those of the calling loop", () => {
    const source =
      "{% macro f() %}{{ x }}{{ i }}{% endmacro %}{% set x = 1 %}" +
      "{% for i in [5] %}{{ f() }}{% endfor %}{% set x = 2 %}{{ f() }}";
    assert.equal(render(source), "12");
  });

  it("None given from outside is None and hides a global of the same name", () => {
    assert.equal(
      render("{{ range is none }}{{ tools is defined }}", { range: null, tools: null }),
      "TrueTrue",
    );
  });
});

describe("values", () => {
  it("numbers of JSON are ints where they are integral, and print as Python prints them", () => {
    assert.equal(render("{{ [a, b, c, d] }}", { a: 1, b: 0.5, c: 1e-7, d: 12n }), "[1, 0.5, 1e-07, 12]");
  });

  it("lengths, positions and slices count code points", () => {
    const text = "a😀b";
    assert.equal(
      render("{{ t|length }}{{ t[1] }}{{ t[-2:] }}{{ t.find('b') }}{{ t[::-1] }}", { t: text }),
      "3😀😀b2b😀a",
    );
  });

  it("strip takes Python's white space: not U+FEFF, and U+001C", () => {
    assert.equal(render("[{{ t|trim }}]", { t: "\u00a0\x1c\ufeffa\u3000" }), "[\ufeffa]");
  });

  it("what JavaScript has lost is refused only where it is used", () => {
    const variables = { big: 2 ** 60, object: { b: 1, 2: 1 }, one: { 7: "x" } };
    assert.equal(render("{{ big is defined }}{{ object.b }}{{ one }}", variables), "True1{'7': 'x'}");
    refuses("{{ big }}", /2\^53/, variables);
    refuses("{{ object|tojson }}", /order of an object/, variables);
    assert.equal(
      render("{{ m }}", {
        m: new Map([
          ["b", 1],
          ["2", 1],
        ]),
      }),
      "{'b': 1, '2': 1}",
    );
  });

  it("any text prints as itself and goes through tojson as JSON", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        assert.equal(render("{{ t }}", { t: text }), text);
        assert.equal(JSON.parse(render("{{ t|tojson }}", { t: text })), text);
        assert.equal(JSON.parse(render("{{ t|tojson(ensure_ascii=true) }}", { t: text })), text);
      }),
    );
  });

  it("any JSON goes through tojson and back", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const kept = JSON.parse(JSON.stringify(value)) as Json;
        const numeric = /"(0|[1-9]\d*)":|\d{16}|e[+-]?\d\d/i.test(JSON.stringify(kept));
        if (!numeric) assert.deepEqual(JSON.parse(render("{{ v|tojson }}", { v: kept })), kept);
      }),
    );
  });
});

describe("errors", () => {
  it("raise_exception gives its message, Python's own errors their class", () => {
    refuses("{{ raise_exception('users first') }}", /^users first$/);
    refuses("{{ x.y }}", /^UndefinedError: 'x' is undefined$/);
    refuses("{{ 'a' + 1 }}", /^TypeError: can only concatenate str \(not "int"\) to str$/);
    refuses("{% if %}", /^TemplateSyntaxError: .*line 1/);
    refuses("{{ [].append(1) }}", /^SecurityError/);
    refuses("a\n{% nope %}", /^TemplateSyntaxError: Encountered unknown tag 'nope'.*line 2/);
  });

  it("what is not built is named", () => {
    for (const [source, name] of [
      ["{% include 'x' %}", "include"],
      ["{{ 'a'.encode() }}", "encode"],
      ["{{ x|pprint }}", "pprint"],
      ["{{ strftime_now('%d') }}", "strftime_now"],
      ["{{ [1]|map('abs') }}", "generator"],
    ] as const)
      assert.throws(() => render(source), { hint: UNSUPPORTED_HINT, message: new RegExp(name) });
  });

  it("strftime_now writes the date that is given", () => {
    assert.equal(render("{{ strftime_now('%d %b %Y') }}", {}, { now: new Date(0) }), "01 Jan 1970");
  });

  it("no text is a template that fails otherwise", () => {
    const part = fc.constantFrom(
      "{{",
      "}}",
      "{%",
      "%}",
      "{#",
      "#}",
      "-",
      "if",
      "for",
      "in",
      "x",
      "1",
      "'",
      "(",
      ")",
      "[",
      "]",
      "|",
      ".",
      " ",
      "set",
      "=",
      "endif",
      "endfor",
      "\n",
      "raw",
      "endraw",
      "is",
      "not",
      "~",
      "*",
      ",",
      ":",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        try {
          render(parts.join(""));
        } catch (error) {
          assert.ok(error instanceof RatchetError, `${parts.join("")}: ${String(error)}`);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("limits", () => {
  const hostile = [
    "{{ range(10000000000) }}",
    "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
    "{{ 'a' * 10 ** 10 }}",
    "{{ [1] * 10 ** 9 }}",
    "{{ 2 ** 100000000 }}",
    "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}" +
      "{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
    "{{ 'x'.center(10 ** 9) }}{{ '%999999999d' % 1 }}",
    "{{ '{:999999999}'.format(1) }}",
    "{% set s = 'a ' * 1000000 %}" +
      "{% for i in range(100000) %}{{ s|title|length }}{{ s[::-1]|length }}{% endfor %}",
    `{{ ${"(".repeat(5000)}1${")".repeat(5000)} }}`,
    `{{ ${"-".repeat(100_000)}1 }}`,
    `{{ 1${" + 1".repeat(100_000)} }}`,
    "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
  ];
  for (const source of hostile)
    it(`ends soon: ${source.slice(0, 60)}`, () => {
      const before = process.cpuUsage();
      refuses(source, /too many steps|characters|bits|OverflowError|RecursionError/);
      const { user, system } = process.cpuUsage(before);
      // A second on an idle machine; of processor time, because others use this one, too.
      assert.ok(user + system < 5e6, `${(user + system) / 1e6} s`);
    });

  it("grow with the conversation", () => {
    const long = "word ".repeat(LIMITS.text / 4);
    assert.equal(render("{{ t|trim ~ t.split()|length }}", { t: long }), `${long.trim()}${LIMITS.text / 4}`);
  });
});

describe("generation", () => {
  it("writes marks around what it holds, and has a scope of its own", () => {
    const source = "a{% generation %}{% set x = 1 %}{{ x }}{% endgeneration %}{{ x }}b";
    assert.equal(render(source), "a1b");
    assert.equal(render(source, {}, { marks: { open: "<", close: ">" } }), "a<1>b");
  });
});
