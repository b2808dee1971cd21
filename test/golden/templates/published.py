# The chat templates that TRL publishes, on conversations with blanks, blank lines, tools, thinking, code and emoji. make.py calls this.
# A rendering is written as the beginning of its SHA-256, or as the class of the exception that Python raises.
import hashlib
from pathlib import Path

import trl

TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}


def user(content):
    return {"role": "user", "content": content}


def bot(content, **more):
    return {"role": "assistant", "content": content, **more}


def system(content):
    return {"role": "system", "content": content}


def answer(content, **more):
    return {"role": "tool", "content": content, **more}


WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": 'Gets the weather of "a place" <now> & soon.\nIn °C, é.',
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "City, e.g. 'Köln' 😀"},
                "days": {"type": "integer", "default": 3, "minimum": 0.5},
                "unit": {"type": ["string", "null"], "enum": ["c", "f", None], "nullable": True},
                "tags": {"type": "array", "items": {"type": "string"}},
                "exact": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]},
            },
            "required": ["place"],
        },
        "return": {"type": "object", "description": "the weather"},
    },
}
PING = {"type": "function", "function": {"name": "ping", "description": "", "parameters": {"type": "object", "properties": {}}}}


def call(name, arguments, **more):
    return {"type": "function", "function": {"name": name, "arguments": arguments}, **more}


ARGUMENTS = {"place": "Köln \"am\" Rhein 😀", "days": 2, "exact": {"x": 0.25}, "tags": ["a", "b c"], "unit": None, "now": True}
CODE = "```python\n    def f(x):\n        return x\n\n\n    print(f(1))  \n```\n"

TALKS = {
    "plain": {"messages": [user("Why is the sky blue?"), bot("Because it is.")]},
    "prompt": {"messages": [user("Why is the sky blue?")]},
    "system": {"messages": [system("You are kind."), user("Hi"), bot("Hello."), user("Bye"), bot("Bye.")]},
    "blanks": {"messages": [system("  \n You are kind.\t\n"), user("  The moon? "), bot("\n\n It is far.  \n"), user("\n"), bot("   ")]},
    "python's blanks": {"messages": [user("\u00a0\ufeff a \u2003\x1c"), bot("\ufeff\u200b b\x85\u3000"), user("\x1f c \u2028"), bot("\u2029d\u00a0")]},
    "empty": {"messages": [system(""), user(""), bot("")]},
    "code": {"messages": [user("Write f."), bot(CODE), user("Again\n\n"), bot("    " + CODE)]},
    "emoji": {"messages": [user("😀👩‍👩‍👧 é\u0301 日本"), bot("🐟 … “ü”"), user("<|im_start|>user"), bot("<b>&amp;</b> {{ x }}")]},
    "line ends": {"messages": [user("a\r\nb\rc\u2028d"), bot("a\r\n\r\nb")]},
    "thinking in text": {"messages": [user("2+2?"), bot("<think>\n\n  4, since\n\n2+2\n</think>\n\n  4\n"), user("3+3?"), bot("<think>six</think>6")]},
    "empty thinking": {"messages": [user("2+2?"), bot("<think>\n\n</think>\n\n4")]},
    "thinking twice": {"messages": [user("x"), bot("<think>a</think>b<think>c</think>d\n")]},
    "reasoning": {"messages": [user("2+2?"), bot("4", reasoning_content="\n Four, since\n\n2+2 \n"), user("3+3?"), bot("\n\n6", reasoning_content="six")]},
    "thinking field": {"messages": [user("2+2?"), bot("4", thinking="four"), user("3?"), bot("3", reasoning="three")]},
    "no thinking": {"messages": [user("2+2? /no_think"), bot("4")], "enable_thinking": False},
    "thinking on": {"messages": [user("2+2?"), bot("4", reasoning_content="four")], "enable_thinking": True},
    "tools": {"messages": [user("Weather?")], "tools": [WEATHER, PING]},
    "tools and system": {"messages": [system("Be brief. \n"), user("Weather?"), bot("Where?")], "tools": [WEATHER]},
    "tool call": {"messages": [user("Weather?"), bot("", tool_calls=[call("get_weather", ARGUMENTS)]), answer('{"c": 21.5}', name="get_weather"), bot("21.5 °C.")], "tools": [WEATHER]},
    "tool call without text": {"messages": [user("Weather?"), bot(None, tool_calls=[call("get_weather", {"place": "x"}, id="abcdefghi")]), answer("ok", tool_call_id="abcdefghi"), bot("fine")], "tools": [WEATHER]},
    "two calls": {"messages": [user("Both?"), bot("I look.", reasoning_content="hm", tool_calls=[call("get_weather", ARGUMENTS), call("ping", {})]), answer("a\n"), answer("\nb"), bot("Done."), user("Thanks"), bot("!")], "tools": [WEATHER, PING]},
    "arguments as text": {"messages": [user("Weather?"), bot("", tool_calls=[call("get_weather", '{"place": "é"}')]), answer("ok"), bot("fine")], "tools": [WEATHER]},
    "bare calls": {"messages": [user("Weather?"), bot("", tool_calls=[{"name": "ping", "arguments": {"a": [1, 2.5, None, True, "x"]}}]), answer({"x": 1}), bot("fine")], "tools": [PING]},
    "parts": {"messages": [system([{"type": "text", "text": " Be kind. "}]), user([{"type": "image"}, {"type": "text", "text": "What\n"}, {"type": "text", "text": " is it?"}]), bot([{"type": "text", "text": " A cat. "}])]},
    "pictures": {"messages": [user([{"type": "image", "image": "x"}, {"type": "video"}, {"type": "audio"}, {"type": "text", "text": "?"}]), bot("cat")], "add_vision_id": True},
    "answer first": {"messages": [bot("Hi"), user("Hi")]},
    "system later": {"messages": [user("a"), bot("b"), system("c"), user("d"), bot("e")]},
    "two users": {"messages": [user("a"), user("b"), bot("c"), bot("d")]},
    "other role": {"messages": [{"role": "developer", "content": "Be terse."}, user("a"), bot("b")]},
    "no content": {"messages": [user("a"), {"role": "assistant"}]},
    "numbers": {"messages": [user(3), bot(2.5)]},
    "documents": {"messages": [user("a"), bot("b")], "documents": [{"title": "t", "text": "x\n"}]},
    "settings": {"messages": [system("s"), user("a"), bot("b", thinking="c")], "tools": [PING], "reasoning_effort": "low", "model_identity": "You are M.", "builtin_tools": ["python", "browser"], "date_string": "1 Jan 2025", "preserve_thinking": True, "clear_thinking": False, "keep_past_thinking": True, "truncate_history_thinking": False},
    "many turns": {"messages": [part for i in range(12) for part in (user(f" question {i}\n" * (i % 3 + 1)), bot(f"<think>\nt{i}\n</think>\n\nanswer {i}" if i % 4 == 1 else f"answer {i}"))]},
}


def published(render, aliased):
    """Each template's text and what it renders: without and with the generation prompt, and the assistant's characters."""
    folder = Path(trl.__file__).parent / "chat_templates"
    files = sorted(folder.glob("*.jinja"))
    return {file.stem: {"template": (text := file.read_text()), "rendered": renderings(render, aliased, text)} for file in files}


def renderings(render, aliased, template):
    return [[rendered(render, aliased, template, talk, prompt) for prompt in (False, True)] for talk in TALKS.values()]


def rendered(render, aliased, template, talk, prompt):
    variables = {"tools": None, "documents": None, **TOKENS, **talk, "messages": aliased(talk["messages"]), "add_generation_prompt": prompt}
    try:
        text, spans = render(template, variables)
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
    return digest(text + repr_spans(spans))


def repr_spans(spans):
    return "".join(f"\0{start},{end}" for start, end in spans)


def digest(text):
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
