# Small templates, each for one construct of Jinja2 and one edge of it, and what transformers' environment renders. make.py calls this.
# A value that raises is written as {"raises": the exception's class}.
import itertools
import re

# Every template sees these. No float is integral: JSON readers of JavaScript cannot tell 1.0 from 1.
VALUES = {
    "text": "  Hello, Wörld!\n\tA b  ",
    "empty": "",
    "code": "    def f(x):\n        return x\n",
    "blanks": "\ufeff\u00a0 a\u2003b \u200b\x1c",
    "emoji": "a😀b👩‍👩‍👧é",
    "quotes": "it's \"q\" \\ <b>&",
    "single": "it's",
    "camel": "helloWorld foo-bar (x) ǆ ß ﬁ",
    "lines": "a\r\nb\n\nc\x0bd\u2028e",
    "csv": "a,b,,c",
    "digits": "42",
    "half": 2.5,
    "tenth": 0.1,
    "small": 0.00001234,
    "negative": -7,
    "zero": 0,
    "three": 3,
    "yes": True,
    "no": False,
    "nothing": None,
    "numbers": [3, 1, 2],
    "mixed": [1, 2.5, "x", None, True, [], {}],
    "words": ["banana", "Apple", "cherry", "apple"],
    "nested": [[1, 2], [3, [4]]],
    "dict": {"b": 1, "A": 2, "c": None, "items": "own", "_x": 5, "content": "hi"},
    "users": [
        {"name": "bob", "age": 30, "tags": ["x", "y"]},
        {"name": "Al", "age": 25, "tags": []},
        {"name": "cy", "age": 30, "address": {"city": "Rom"}},
    ],
    "tool": {"type": "function", "function": {"name": "f", "parameters": {"n": {"type": "integer", "default": 0.5}, "s": "é<>&'\u2028"}}},
}

NAMES = ["text", "empty", "emoji", "half", "negative", "zero", "yes", "nothing", "numbers", "words", "dict", "missing", "nested", "tenth", "single"]
SCALARS = ["negative", "zero", "three", "half", "tenth", "yes", "no", "nothing", "digits", "numbers", "dict", "missing", "(1, 2)", "2 ** 70"]
TEXTS = ["text", "empty", "code", "blanks", "emoji", "quotes", "camel", "lines", "csv", "digits"]

GROUPS = {}


def group(name, templates):
    GROUPS.setdefault(name, []).extend(templates)


def printed(name, expressions):
    group(name, ["{{ " + expression + " }}" for expression in expressions])


def printing():
    printed("printing", NAMES)
    printed("printing", ["mixed", "users", "tool", "quotes", "lines", "small", "[text, emoji]", "[blanks, quotes, single]", "(1,)", "()", "(1, 'a')"])
    printed("printing", ["1.0", "1e16", "1e15", "123456789012345678", "1e-5", "0.1 + 0.2", "1e300 * 10", "-0.0", "1_000", "0x1f", "0b11", "0o17", "2.50"])
    printed("printing", ["True", "true", "none", "None", "False", "{}", "[]", "{'a': [1, (2, 3)], 1: none, true: 2, 2.5: 0}", "{1: 'a', 1.0: 'b', true: 'c'}"])
    printed("printing", ["range(3)", "range(1, 9, 2)", "dict.items()", "dict.keys()", "dict.values()", "namespace(a=1)", "users[2]", "dict['items']", "dict.items"])
    printed("printing", ["'a' 'b'", "'\\n\\t\\x41\\u00e9\\101\\q'", "\"it's\"", "['it\\'s', \"q\\\"\", 'b\\'\"']", "'\\é'", "'\\\\n'", "['\\x7f\\x00\\u200b\\ue000']"])


def operators():
    for op in ("+", "-", "*", "/", "//", "%", "**"):
        printed("arithmetic", [f"{a} {op} {b}" for a, b in itertools.product(SCALARS, SCALARS) if not (op == "**" and "2 **" in a + b)])
    printed("arithmetic", ["-7 % 3", "7 % -3", "-7 // 2", "7.5 // 2", "-7.5 % 2", "7 / 2", "6 / 2", "2 ** -1", "2 ** 0.5", "-2 ** 2", "2 ** 3 ** 2", "-7.0 // 0.5"])
    printed("arithmetic", ["'ab' * 3", "3 * 'ab'", "'ab' * -1", "[1] * 3", "(1,) * 2", "[1] + [2]", "(1,) + (2,)", "'a' + 'b'", "'a' ~ 1 ~ none ~ true ~ 1.0", "1 ~ 2"])
    printed("arithmetic", ["'a' + 1", "1 + 'a'", "[1] + (2,)", "-text", "+yes", "-yes", "not text", "not empty", "10 ** 20", "10 ** 20 // 7", "-(10 ** 20) % 7", "1e308 * 10 - 1e308 * 10"])
    for op in ("==", "!=", "<", "<=", ">", ">="):
        printed("comparison", [f"{a} {op} {b}" for a, b in itertools.combinations_with_replacement(SCALARS + ["text", "empty", "words"], 2)])
    printed("comparison", ["1 < 2 < 3", "3 > 2 > 2", "1 == 1.0 == true", "'a' < 'b'", "'B' < 'a'", "[1, 2] < [1, 3]", "[1] < [1, 0]", "(1, 2) == [1, 2]", "'é' < '😀'", "'\uffff' < '😀'"])
    printed("comparison", [f"{a} in {b}" for a in ("'a'", "1", "none", "missing", "''", "'b'", "true", "[1, 2]", "1.0") for b in ("text", "numbers", "dict", "nested", "missing", "three", "range(3)", "mixed")])
    printed("comparison", ["'x' not in 'abc'", "not 'x' in 'abc'", "1 in [1.0]", "yes and text", "no and text", "no or empty", "nothing or 'd'", "missing or 'd'", "text and missing"])
    printed("condition", ["'a' if yes else 'b'", "'a' if no else 'b'", "'a' if no", "('a' if no) is defined", "'a' if missing else 'b' if yes else 'c'", "1 if 0.0 else 2", "1 if [] else 2", "1 if {} else 2", "1 if '0' else 2"])


def access():
    printed("access", [f"{value}{item}" for value in ("text", "emoji", "numbers", "(1, 2, 3)", "dict", "missing", "nothing", "three", "range(4)") for item in ("[0]", "[-1]", "[9]", "['b']", "[none]", "[true]", "[1.0]", ".b", ".b.c", "[[1]]")])
    slices = ["[1:]", "[:-1]", "[::-1]", "[1:3]", "[-2:]", "[::2]", "[5:]", "[3:1]", "[-1:0:-1]", "[:none]", "[:100]", "[-100:2]", "['a':]", "[::0]"]
    printed("access", [value + part for value in ("text", "emoji", "numbers", "(1, 2, 3)", "dict", "missing") for part in slices])
    printed("access", ["dict.items", "dict['items']", "dict.content", "dict._x", "dict['_x']", "dict.__class__", "dict['__class__']", "text.__len__", "dict.get('b')", "dict.get('z')", "dict.get('z', 7)", "dict.get('c', 7)"])
    printed("access", ["dict.pop('b')", "numbers.append(1)", "dict.update({})", "numbers.sort()", "numbers.pop is defined", "dict.clear is undefined", "numbers.copy()", "dict.copy()", "dict.fromkeys([1, 2], 0)"])
    printed("access", ["users[0].name", "users[2].address.city", "users[0].address.city", "users[0]['address']", "users.0.name", "missing.x", "missing['x']", "missing()", "text()", "dict.nope()", "users[0].nope is defined"])
    printed("access", ["numbers.index(2)", "numbers.count(1)", "numbers.index(9)", "(1, 2).count(2)", "three.real", "half.imag", "half.is_integer()", "three.bit_length()", "range(9).stop", "dict.keys()|list", "dict.values()|list", "'b' in dict.keys()"])


def filters():
    for name in ("upper", "lower", "capitalize", "title", "trim", "length", "reverse", "string", "escape", "wordcount", "list", "first", "last", "tojson", "urlencode", "int", "float", "safe", "count"):
        printed("text filters", [f"{text}|{name}" for text in TEXTS])
        printed("filters", [f"{value}|{name}" for value in NAMES])
    printed("text filters", [f"{text}|{call}" for text in TEXTS for call in ("replace('a', 'X')", "replace('', '-')", "replace('b', '', 1)", "trim('a b')", "indent", "indent(2, true)", "indent('> ', false, true)", "truncate(8)", "truncate(5, true, '…')", "truncate(3, false, '', 0)", "center(20)", "default('d', true)")])
    for name in ("join", "join(', ')", "sort", "unique|list", "min", "max", "sum", "sort(reverse=true)", "sort(case_sensitive=true)", "reverse|list", "batch(2)|list", "slice(2)|list", "batch(2, 'x')|list", "map('string')|list", "select|list", "reject|list", "default('d')", "default('d', true)", "abs", "round", "d", "items|list", "dictsort"):
        printed("list filters", [f"{value}|{name}" for value in ("numbers", "words", "mixed", "dict", "missing", "empty", "text", "nothing", "negative", "half", "[]", "(2, 1)", "range(4)")])
    people = ["map(attribute='name')|list", "map(attribute='age')|sum", "map(attribute='address.city')|list", "map(attribute='address.city', default='?')|list", "map('length')|list", "selectattr('age', 'gt', 26)|map(attribute='name')|join(' ')", "selectattr('address')|list|length", "rejectattr('address')|map(attribute='name')|list", "selectattr('tags', 'defined')|list|length"]
    people += ["sort(attribute='name')|map(attribute='name')|list", "sort(attribute='age,name')|map(attribute='name')|list", "groupby('age')|list", "groupby('age')|map('first')|list", "groupby('name', case_sensitive=true)|map(attribute='grouper')|list", "unique(attribute='age')|map(attribute='name')|list", "min(attribute='age')", "max(attribute='name')", "sum(attribute='age')", "join(', ', attribute='name')", "map('nope')|list", "map(attribute='age', x=1)|list", "map|list", "selectattr|list", "map(attribute='tags.0')|list", "select('mapping')|list|length", "map('upper')|join"]
    printed("list filters", ["users|" + one for one in people])
    printed("list filters", ["numbers|map('abs')", "numbers|select('odd')|list", "numbers|select('divisibleby', 2)|list", "numbers|reject('in', [1])|list", "words|map('replace', 'a', 'o')|list", "words|map('upper')|map('length')|sum", "numbers|select|length", "numbers|map('string') is iterable", "(numbers|select('odd')) and 'g'", "dict|dictsort", "dict|dictsort(true)", "{'b': 2, 'a': 3}|dictsort(by='value')", "dict|dictsort(by='x')", "{'b': 2, 'a': 3}|dictsort(false, 'value', true)", "dict|list", "dict|first", "dict|length", "dict|items|first", "missing|items|list", "numbers|items|list", "words|unique(true)|list"])
    printed("number filters", [f"{value}|{call}" for value in ("negative", "half", "tenth", "digits", "nothing", "missing", "yes", "text", "3.7", "-3.7", "'1e3'", "' 12 '", "'0x1f'", "'1_000'", "'1.9'", "2.675", "0.5", "1.5", "1234567", "1e20", "[]") for call in ("int", "int(9)", "int(default=9, base=16)", "float", "float(1.5)", "round", "round(1)", "round(2, 'ceil')", "round(1, 'floor')", "round(-1)", "abs", "filesizeformat")])
    printed("other filters", ["'%s and %r'|format('a', 'b')", "'%d%%'|format(5)", "'%5.2f|%-5s|%05d|%+d|%x|%e|%g'|format(2.345, 'ab', 42, 7, 255, 12345.678, 0.00001)", "'%(a)s'|format(a=1)", "'%s'|format", "'%d'|format('x')", "'%s %s' % ('a', 2)", "'%s' % 'x'", "'%s' % missing", "'%s' % [1]", "'x' % missing", "'%c%c' % (65, 'z')", "'%5.1f' % half", "'%s' % none", "'%.2s' % text", "'%*d' % (5, 42)", "'%x' % half", "'%i' % half", "'%o %X' % (8, 255)", "'%#x' % 255", "'%a' % 'é'", "'%q' % 1"])
    printed("other filters", ["text|urlize", "text|wordwrap(5)", "mixed|pprint"])
    printed("other filters", ["'<'|safe + '<'", "'<' + '<'|safe", "('<'|safe) ~ '<'", "'<b>'|escape|escape", "'<b>'|forceescape", "('<'|safe)|length", "('a<'|safe).replace('a', '<')", "('<'|safe) * 2", "['<'|safe]", "('<'|safe) == '<'", "'%s' % ('<'|safe)", "('%s'|safe) % '<'", "('<'|safe)|upper", "('a b'|safe).split()", "('<x>'|safe)|replace('x', '<')", "('a'|safe)[0]", "['<'|safe, '<']|join('&')", "('-'|safe).join(['<'])", "'a'|safe is string", "('a'|safe) is escaped", "{'a'|safe: 1}.a", "'<b>x</b> y'|striptags", "{'a': 1, 'b c': 2}|urlencode", "{'class': 'x', 'n': none}|xmlattr", "dict|attr('content')", "dict|attr('items')", "text|attr('upper')", "missing|attr('x')", "1|nope", "'a'|upper|lower|nope(1)"])
    printed("tojson", [f"tool|tojson({args})" for args in ("", "indent=2", "indent=4, sort_keys=true", "ensure_ascii=true", "separators=(',', ':')", "indent=0", "indent='->'", "2", "sort_keys=true")])
    printed("tojson", [f"{value}|tojson" for value in ("mixed", "(1, 2)", "{1: 2, none: 3, true: 4, 2.5: 6}", "emoji", "lines", "quotes", "[]", "{}", "[[], {}]", "1.0", "1e20", "tenth", "missing", "dict.items()", "dict.keys()|list", "'<a>&'|safe", "namespace()", "{(1, 2): 3}", "range(2)", "numbers|map('abs')", "1e999", "'\\x7f\\x01'")])
    printed("tojson", ["[]|tojson(indent=2)", "{'a': [], 'b': {}}|tojson(indent=2)", "[1, [2]]|tojson(indent=1)", "{'b': 1, 'a': {'d': 1, 'c': 2}}|tojson(sort_keys=true)", "{1: 2, 'a': 3}|tojson(sort_keys=true)"])


def methods():
    calls = "upper() lower() capitalize() title() swapcase() strip() lstrip() rstrip() split() rsplit() splitlines() isalpha() isdigit() isspace() isupper() islower() isalnum() isnumeric() istitle() isidentifier() isprintable() isdecimal() isascii()".split()
    calls += ["strip('\\n')", "lstrip('\\n')", "rstrip('\\n ')", "lstrip(' H')", "strip(none)", "strip('')", "split(',')", "split(', ')", "split(',', 1)", "split(none, 1)", "rsplit(',', 1)", "rsplit(none, 1)", "split('\\n')", "split(maxsplit=1)", "split(sep=',')", "split('')", "splitlines(true)"]
    calls += ["startswith('a')", "startswith(('a', ' '))", "endswith('\\n')", "endswith('')", "startswith('b', 1)", "find('b')", "rfind('b')", "index('b')", "find('zz')", "index('zz')", "count('a')", "count('')", "find('b', 2)", "find('b', -3)", "replace('a', 'Z')", "replace('a', 'Z', 1)", "replace(' ', '')", "partition(',')", "rpartition(' ')", "removeprefix('a')", "removesuffix('\\n')", "center(30, '*')", "ljust(30)|length", "rjust(30, '.')", "zfill(30)", "expandtabs(4)", "join(['x', 'y'])", "join('xy')", "join([1])", "startswith(1)", "strip(1)", "split(1)", "count()", "upper(1)"]
    printed("str methods", [f"{text}.{call}" for text in TEXTS for call in calls])
    printed("str methods", ["'+5'.zfill(4)", "'-'.join(words)", "'a{}b{}'.format(1, 'x')", "'{0}{1}{0}'.format('a', 'b')", "'{a} {b[0]} {c.x}'.format(a=1, b=[2], c={'x': 3})", "'{:>5}|{:<5}|{:^5}|{:05d}|{:.2f}|{:,}|{:x}|{:+d}|{:%}'.format('a', 'b', 'c', 42, 2.345, 1234567, 255, 7, half)", "'{!r} {!s}'.format('a', 'b')", "'{{}}'.format()", "'{}'.format()", "'{x}'.format()", "'{:*^9}'.format('ab')", "'{:e}'.format(12345.678)", "'{:d}'.format('a')", "'{:5}'.format(true)", "'{}'.format(true)", "'{:s}'.format(none)", "'{:_}'.format(1234567)", "'{0.__class__}'.format('a')", "'a'.casefold()", "'a'.encode()", "'é'.isascii()", "'²'.isdigit()", "'ΑΣ'.lower()", "'ß'.upper()", "'ﬁ'.title()", "'it''s they''re'.title()", "\"it's they're\".title()"])


def tests():
    names = "defined undefined none boolean true false integer float number string mapping sequence iterable callable odd even lower upper escaped".split()
    values = [*NAMES, "range(3)", "dict.items()", "numbers|map('abs')", "'a'|safe", "1.0", "namespace()", "range", "text.upper", "'ab'", "'AB'", "(1, 2)"]
    printed("tests", [f"{value} is {name}" for value in values for name in names if not (name in ("odd", "even"))])
    printed("tests", [f"{value} is {name}" for value in ("three", "zero", "negative", "half", "yes", "text", "missing") for name in ("odd", "even", "divisibleby 3", "divisibleby(0)")])
    printed("tests", ["three is not none", "three is not defined", "three is eq 3", "three is equalto 3", "three is ne(2)", "three is gt 2", "three is lessthan 2", "three is ge(3)", "three is in numbers", "'a' is in 'abc'", "three is not in [1]", "none is sameas none", "true is sameas true", "1 is sameas true", "numbers is sameas numbers", "'upper' is filter", "'nope' is filter", "'odd' is test", "three is nope", "missing is defined and missing.x", "three is odd and zero is even", "three is odd is none", "text is string == true", "not three is odd", "three is divisibleby 3 if yes else 1", "'a' is == 'a'"])


def statements():
    group("set", ["{% set x = 1 %}{{ x }}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}", "{% set a, b = [1] %}", "{% set a, b = [1, 2, 3] %}", "{% set (a, b), c = [[1, 2], 3] %}{{ a, b, c }}", "{% set x %} a {{ three }} {% endset %}[{{ x }}]", "{% set x | trim | upper %} a {% endset %}[{{ x }}]", "{% set x = x %}{{ x }}", "{% set text = text|length %}{{ text }}", "{% set text %}{{ text }}!{% endset %}{{ text }}", "{% set x = 1, %}{{ x }}", "{% set x = 1 %}{% set x = x + 1 %}{{ x }}", "{% set loop = 1 %}{{ loop }}", "{% set ns = namespace() %}{% set ns.a = 1 %}{{ ns.a }}{{ ns.b }}", "{% set ns = namespace(a=1, **{'b': 2}) %}{{ ns.a + ns['b'] }}", "{% set ns = namespace({'a': [1]}) %}{% set ns.a = ns.a + [2] %}{{ ns.a }}{{ ns }}", "{% set ns.a = 1 %}", "{% set dict.a = 1 %}", "{% set ns = namespace() %}{% set ns._a = 1 %}", "{% set ns = namespace(_a=1) %}", "{% set ns = namespace() %}{% set ns.a, ns.b = 1, 2 %}{{ ns.a }}{{ ns.b }}", "{% set ns = namespace() %}{% set ns.t %}x{% endset %}{{ ns.t }}", "{% set true = 1 %}", "{% set x[0] = 1 %}", "{% set x = %}"])
    loops = ["{% for i in numbers %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "{% for i in numbers %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}", "{% for i in [] %}x{% else %}none{% endfor %}", "{% for i in numbers %}{% break %}{% else %}none{% endfor %}", "{% for i in numbers %}{% continue %}{% else %}none{% endfor %}", "{% for i in numbers %}{% if i == 1 %}{% continue %}{% endif %}{{ i }}{% else %}none{% endfor %}", "{% for i in numbers %}{% if i == 1 %}{% break %}{% endif %}{{ i }}{% endfor %}", "{% for k, v in dict.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k in dict %}{{ k }}{% endfor %}", "{% for c in emoji %}[{{ c }}]{% endfor %}", "{% for i in missing %}x{% else %}e{% endfor %}", "{% for i in nothing %}x{% endfor %}", "{% for i in three %}x{% endfor %}", "{% for a, b in nested %}{{ a }}{% endfor %}", "{% for a, b in words %}{{ a }}{% endfor %}"]
    loops += ["{% for i in numbers if i > 1 %}{{ i }}{{ loop.index }}{{ loop.last }}{% endfor %}", "{% for i in numbers if i > 1 %}{{ loop.length }}{% endfor %}", "{% for i in numbers if i > 9 %}x{% else %}none{% endfor %}", "{% for i in range(3) if loop %}{{ i }}{% endfor %}", "{% for i in numbers recursive %}{{ i }}{% if loop.depth < 3 %}({{ loop([loop.depth]) }}){% endif %}{% endfor %}", "{% for i in nested recursive %}{% if i is iterable %}[{{ loop(i) }}]{% else %}{{ i }}{{ loop.depth0 }}{% endif %}{% endfor %}", "{% for i in numbers %}{{ loop(numbers) }}{% endfor %}", "{% for i in numbers %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }};{% endfor %}", "{% for i in numbers %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }}{% endfor %}", "{% for i in [1, 1, 2] %}{{ loop.changed(i) }}{% endfor %}", "{% for i in numbers %}{{ loop.cycle('a', 'b') }}{% endfor %}", "{% for i in numbers %}{{ loop }}{% endfor %}", "{% for i in numbers|map('abs') %}{{ loop.length }}{{ loop.index }}{{ loop.last }}{% endfor %}", "{% for i in numbers %}{{ loop.nope }}{{ loop._x }}{% endfor %}", "{% for i in numbers %}{% for j in numbers %}{{ loop.index }}{% endfor %}{{ loop.index }}{% endfor %}", "{% for i in numbers %}{% set outer = loop %}{% for j in [1] %}{{ outer.index }}{% endfor %}{% endfor %}", "{% for i in numbers %}{% for j in loop.cycle([1], [2]) %}{{ j }}{{ loop.index }}{% endfor %}{% endfor %}", "{% break %}", "{% for loop in numbers %}{% endfor %}", "{% for i in numbers %}{% set loop = 1 %}{% endfor %}", "{% for i in 1, 2 %}{{ i }}{% endfor %}", "{% for i in (1, 2) + (3,) %}{{ i }}{% endfor %}", "{% for i in text.split() %}{{ i }}|{% endfor %}", "{% set g = numbers|map('abs') %}{% for i in g %}{{ i }}{% endfor %}{% for i in g %}{{ i }}{% endfor %}", "{% for i in numbers: %}{{ i }}{% endfor %}", "{% for i in [3, 2, 1] %}{% with %}{% if i == 2 %}{% break %}{% endif %}{% endwith %}{{ i }}{% endfor %}", "{% for i in numbers %}{% set x %}{% break %}{% endset %}{% endfor %}{{ x }}"]
    group("for", loops)
    scopes = ["{% for i in numbers %}{% set x = i %}{% endfor %}{{ x }}", "{% set x = 0 %}{% for i in numbers %}{{ x }}{% set x = i %}{{ x }}{% endfor %}{{ x }}", "{% for i in numbers %}{% if i == 1 %}{% set x = i %}{% endif %}{{ x }}|{% endfor %}", "{% for i in numbers %}{{ three }}{% set three = i %}{{ three }}{% endfor %}{{ three }}", "{% for i in numbers %}{% if loop.first %}{% set x = 1 %}{% endif %}{% if loop.last %}{{ x is defined }}{% endif %}{% endfor %}", "{% if yes %}{% set x = 1 %}{% endif %}{{ x }}", "{% if no %}{% set x = 1 %}{% endif %}{{ x is defined }}", "{% if no %}{% set three = 1 %}{% endif %}{{ three }}", "{% for three in numbers %}{{ three }}{% endfor %}{{ three }}", "{% for i in numbers %}{% for i in [9] %}{{ i }}{% endfor %}{{ i }}{% endfor %}", "{% set ns = namespace(n=0) %}{% for i in numbers %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}", "{% for i in numbers %}{% else %}{% set x = 1 %}{% endfor %}{{ x }}", "{% for i in [1, 2] %}{% set a = i %}{% for j in [1] %}{{ a }}{% set a = 9 %}{{ a }}{% endfor %}{{ a }}{% endfor %}", "{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{{ a }}", "{% with a = 1, b = a %}{{ b }}{% endwith %}", "{% set a = 5 %}{% with a = 1, b = a %}{{ b }}{% endwith %}{{ a }}", "{% with %}{% set x = 1 %}{{ x }}{% endwith %}{{ x }}", "{% with three = three + 1 %}{{ three }}{% endwith %}{{ three }}", "{% set x = 1 %}{% set y %}{% set x = 2 %}{{ x }}{% endset %}{{ x }}{{ y }}", "{% filter upper %}{% set x = 'a' %}{{ x }}{% endfilter %}{{ x }}", "{% for i in [1, 2] if x is undefined %}{% set x = i %}{{ i }}{% endfor %}"]
    group("scope", scopes)
    macros = ["{% macro f(a, b=2) %}{{ a }}-{{ b }}{% endmacro %}{{ f(1) }}{{ f(1, b=3) }}{{ f(b=1) }}", "{% macro f() %}{{ three }}{{ x }}{% endmacro %}{% set x = 5 %}{{ f() }}", "{% macro f() %}{{ x }}{% endmacro %}{% for x in [1] %}{{ f() }}{% endfor %}", "{% macro f() %}{{ i }}{% endmacro %}{% set i = 7 %}{% for i in [1] %}{{ f() }}{% endfor %}", "{% macro f(x) %}{% set y = x %}{{ y }}{% endmacro %}{{ f(1) }}{{ y }}", "{% macro f(a) %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ f(1, 2, 3, k=4) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(1, 2) }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(z=2) }}", "{% macro f(a, b=a) %}{{ b }}{% endmacro %}{{ f(1) }}", "{% macro f(n) %}{{ n }}{% if n > 0 %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}", "{% macro f() %}{{ caller() }}{% endmacro %}{% call f() %}in {{ three }}{% endcall %}", "{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b=3) f() %}{{ a }}{{ b }}{% endcall %}", "{% macro f() %}{{ caller() if caller else 'no' }}{% endmacro %}{{ f() }}", "{% macro f() %}{{ caller is defined }}{% endmacro %}{{ f() }}", "{% macro f() %}x{% endmacro %}{% call f() %}y{% endcall %}", "{{ f(1) }}{% macro f(a) %}{{ a }}{% endmacro %}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f }}{{ f.name }}{{ f.arguments }}", "{% macro f(a) %} {{ a }} {% endmacro %}[{{ f('x')|trim }}]", "{% for i in [1, 2] %}{% macro f() %}{{ i }}{% endmacro %}{{ f() }}{% endfor %}{{ f is defined }}", "{% macro f(a=missing) %}{{ a is defined }}{% endmacro %}{{ f() }}{{ f(none) }}", "{% macro f(a, b) %}{{ b is defined }}{% endmacro %}{{ f(1) }}", "{% if yes %}{% macro f() %}m{% endmacro %}{% endif %}{{ f() }}", "{% macro f(a) %}{{ a }}{% endmacro %}{{ f(*[1]) }}{{ f(**{'a': 2}) }}", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% macro f(caller) %}{{ caller }}{% endmacro %}", "{% macro f(a, a2=1, a3) %}{% endmacro %}", "{% macro f(x) %}{{ x }}{% endmacro %}{% macro g(x) %}[{{ f(x + 1) }}]{% endmacro %}{{ g(1) }}", "{% macro f(ns) %}{% set ns.a = 2 %}{% endmacro %}{% set ns = namespace(a=1) %}{{ f(ns) }}{{ ns.a }}"]
    group("macro", macros)
    generation = ["{% generation %}a{% endgeneration %}", "x{% generation %}{% set y = 1 %}{{ y }}{% endgeneration %}{{ y }}", "{% for i in numbers %}{% generation %}{{ i }}{{ loop.last }}{% endgeneration %}{% endfor %}", " {%- generation -%} a {%- endgeneration -%} b", "{% generation %}\n a\n{% endgeneration %}\nb", "{% for i in numbers %}{% generation %}{% break %}{% endgeneration %}{% endfor %}"]
    group("generation", generation)
    others = ["{% filter upper %}a{{ text }}{% endfilter %}", "{% filter replace('a', 'b')|upper %}aa{% endfilter %}", "{% if no %}a{% elif yes %}b{% else %}c{% endif %}", "{% if no %}a{% elif no %}b{% else %}c{% endif %}", "{% if missing %}a{% endif %}", "{% if no %}{{ 1|nope }}{% endif %}x", "{% if yes %}{{ 1|nope }}{% endif %}", "{% for i in [] %}{{ 1|nope }}{% endfor %}", "{{ (1|nope) if no else 2 }}", "{% print 'a', 1 %}", "{% block a %}x{{ three }}{% endblock %}", "{% set x = 1 %}{% block a %}{{ x }}{% endblock a %}", "{% for x in [1] %}{% block a %}{{ x }}{% endblock %}{% endfor %}", "{% raw %}{{ x }}{% endraw %}", "{# a #}b", "{#- a -#} b", "{% nope %}", "{% if yes %}", "{% endif %}", "{% include 'x' %}", "{% import 'x' as x %}", "{% extends 'x' %}", "{% autoescape true %}{{ '<' }}{% endautoescape %}", "{% do 1 %}", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ 'a }}", "{{ 1 if }}", "{{ a b }}", "{{ raise_exception('no: ' ~ three) }}", "{{ raise_exception() }}", "{{ strftime_now('%Y-%m-%d %d %b %B %H:%M') }}", "{{ dict(a=1, b=2) }}", "{{ dict([('a', 1)], b=2) }}", "{{ dict.fromkeys }}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", "{% set j = joiner('; ') %}{{ j() }}a{{ j() }}b{{ j() }}", "{{ range(5)|list }}", "{{ range(5, 0, -2)|list }}", "{{ range(1.5) }}", "{{ range(100001) }}", "{{ range(100000)|length }}", "{{ range(10000000000) }}", "{{ self }}", "{{ loop }}", "{{ caller }}", "{{ range(0) or 'e' }}", "{{ namespace is callable }}", "{{ [1, 2,] }}{{ {'a': 1,} }}{{ (1, 2,) }}", "{{ [*numbers] }}", "{{ numbers[1:2, 1] }}", "{{ {'a': 1}.a }}{{ [1][0] }}{{ 'a'[0] }}", "{{ text.upper().strip()[0:3]|lower ~ '!' }}", "{{ 1.5.real }}", "{{ (1).real }}", "{{ f(a=1, a=2) }}", "{{ 'a' not in words and 1 in numbers or no }}", "{{ - 3 | abs }}", "{{ -3|abs }}", "{{ (-3)|abs }}", "{{ 2 * 3|string }}", "{{ 'a' ~ 1 + 2 }}", "{{ not no and no }}", "{{ 1 + 2 ~ 3 * 2 }}", "{{ 7 // 2 * 2 }}", "{{ true + true }}"]
    group("other", others)


def whitespace():
    bodies = ["a\n{% if yes %}\nb\n{% endif %}\nc\n", "a\n  {% if yes %}\n  b\n  {% endif %}\nc", "a {% if yes %} b {% endif %} c", "a\n\n{%- if yes -%}\n\nb\n{%- endif %}\nc", "  {{ three }}\n  b", "a\n  {{- three -}}  \nb", "a  {#- c -#}  b", "a\n  {# c #}\nb", "a\n  {#+ c +#}\nb", "a\n  {%+ if yes %}b{% endif +%}\nc", "{% raw %}\n {{ a }}\n{% endraw %}\nb", "a {%- raw -%} x {%- endraw -%} b", "a\n  {% raw %}x{% endraw %}\nb", "a\r\nb\rc\n", "a\n\n", "a\n", "\n", "", " {% if yes %} {% endif %} ", "\t{% if yes %}x{% endif %}\t\n", "x {% set a = 1 %}\n y", "{% set a = 1 %}\n{% set b = 2 %}\n\nx", "{{ 'a\r\nb' }}", "{%if yes%}x{%endif%}", "{%-if yes-%}x{%-endif-%}", "a\u00a0{%- if yes %}b{% endif %}", "a\ufeff{%- if yes %}b{% endif %}", "a\x1c\n \x1f{% if yes %}b{% endif %}", "{% for i in numbers %}\n  {{ i }}\n{% endfor %}", "{% for i in numbers -%}\n  {{ i }}\n{%- endfor %}", "{{ '{{' }}{{ '%}' }}", "{{ {'a': {'b': 1}} }}", "{% if {'a': 1}.a %}x{% endif %}", "{ { a } } {% if yes %}}{% endif %}", "a {{- '' }} b", "{{ 'x' -}}\n\n  y", "}} %} #}", "{# {{ a }} {% b %} #}x", "{# open", "{% raw %}open", "{{ open", "{% if", "{{ a", "{{ 'x' }}{# c #}{{ 'y' }}", "{% if yes %}a{% endif %}\n\n{% if yes %}b{% endif %}\n"]
    group("white space", bodies)


def constructs(compile_template):
    """The groups of templates and what each renders."""
    for add in (printing, operators, access, filters, methods, tests, statements, whitespace):
        add()
    return {name: [[template, rendered(compile_template, template)] for template in dict.fromkeys(templates)] for name, templates in GROUPS.items()}


def rendered(compile_template, template):
    try:
        text = compile_template(template).render(**VALUES)
    except Exception as error:  # noqa: BLE001
        return {"raises": type(error).__name__}
    # An address in memory is another one each time.
    return {"address": True} if re.search(r" at 0x[0-9a-f]+>|<class ", text) else text
