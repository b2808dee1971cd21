# Encodes conversations and dataset rows with transformers and TRL, for templates.test.ts, and renders small and
# published chat templates, for jinja.test.ts. From the repository root:
#   python3 test/golden/templates/make.py            writes the five JSON files of this folder
#   python3 test/golden/templates/make.py --check    compares the files with the values of the installed versions
# Versions: test/golden/requirements.txt (CPU is enough; nothing is downloaded).
import json
import logging
import sys
import tempfile
import warnings
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import constructs
import datasets
import published
import tokenizers
import transformers
import trl
from datasets import Dataset
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer, SFTConfig, SFTTrainer
from transformers.utils import chat_template_utils
from trl.trainer.dpo_trainer import DataCollatorForPreference

HERE = Path(__file__).parent
VERSIONS = {"transformers": transformers.__version__, "tokenizers": tokenizers.__version__, "trl": trl.__version__}

SPECIAL = ["<unk>", "<pad>", "<s>", "</s>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>"]
SPECIAL += ["<|eot_id|>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>"]

CORPUS = [
    "The sky is blue. The sea is green and the grass is greener.",
    "system\n\nYou are a kind assistant.\n\nuser\nassistant\nmodel\n",
    "Why does the moon follow me? Because it is far away, my dear.",
    "<|user|>\n<|assistant|>\n<|system|>\n[INST] How many fish are in the sea? [/INST] Many.",
    "def add(a, b):\n\treturn a + b\n\n\nprint(add(1, 2))  # 3",
    "It is black. It is blue. It is bleak. Is it? It's not, isn't it?",
    "Tom and Lily went to the park with a red kite and a big dog.",
    "é è ü ß ñ 日本 語 😀 … “quoted” – dashed",
] * 4


# ------------------------------------------------------------------ tokenizers


# How Llama 3 cuts a text before it merges: letters with one sign before them, up to three digits, signs, line breaks, other white space.
LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def byte_level():
    """Bytes and merges of them, as in Llama 3 and Qwen."""
    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(LLAMA3_SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=420, initial_alphabet=sorted(alphabet), show_progress=False)
    return trained(tokenizer, trainer)


def metaspace():
    """Merges over a text whose spaces are written ▁, with bytes for what is unknown, as in Llama 2, Mistral and Gemma."""
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    # No token spans two words, though the finished tokenizer does not cut at spaces.
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    trainer = trainers.BpeTrainer(vocab_size=520, special_tokens=["<unk>", *fallback], show_progress=False, max_token_length=8)
    made = json.loads(trained(tokenizer, trainer).to_str())
    made["pre_tokenizer"]["split"] = False
    made["added_tokens"] = [token for token in made["added_tokens"] if token["content"] not in fallback]
    return Tokenizer.from_str(json.dumps(made))


def unigram():
    """A unigram model over ▁, as in T5 and XLM-R."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.UnigramTrainer(vocab_size=180, unk_token="<unk>", special_tokens=["<unk>"], show_progress=False)
    return trained(tokenizer, trainer)


def trained(tokenizer, trainer):
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return tokenizer


# ------------------------------------------------------------------ templates

CHATML = """{% for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.role == 'assistant' %}
        {%- generation %}{{ message.content + '<|im_end|>' }}{% endgeneration %}
    {%- else %}
        {{- message.content + '<|im_end|>' }}
    {%- endif %}
    {{- '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

LLAMA3 = """{{- bos_token -}}
{%- if tools is not none -%}{{- raise_exception('no tools here') -}}{%- endif -%}
{%- for m in messages -%}
{{- '<|start_header_id|>' ~ m['role'] ~ '<|end_header_id|>\\n\\n' -}}
{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] | trim }}{{ '<|eot_id|>' }}{% endgeneration %}
{% else %}{{ m['content'] | trim }}{{ '<|eot_id|>' }}{% endif %}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}{%- endif -%}
"""

ZEPHYR = """{% for message in messages %}
{% if message['role'] in ['user', 'system', 'assistant'] %}
{{ '<|' + message['role'] + '|>\\n' + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}
"""

MISTRAL = (
    "{{ bos_token }}{% for m in messages %}"
    "{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate user and assistant') }}{% endif %}"
    "{% if m.role == 'user' %}{{ '[INST] ' + m.content + ' [/INST]' }}{% else %}{{ ' ' + m.content + eos_token }}{% endif %}"
    "{% endfor %}"
)

GEMMA = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn here') }}{% endif -%}
{%- for message in messages -%}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif -%}
"""


# A turn ends with a line break alone.
NO_EOS = "{% for m in messages %}### {{ m.role }}\n{{ m.content }}\n\n{% endfor %}{% if add_generation_prompt %}### assistant\n{% endif %}"

# A line break stands before the EOS and another one behind it.
BREAK_FIRST = (
    "{{ bos_token }}{% for m in messages %}{{ '<|' + m.role + '|>\n' + m.content + '\n' + eos_token + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)

# As in Phi-3: the EOS closes the conversation behind the token that closes the turn.
TWO_ENDS = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% else %}{{ eos_token }}{% endif %}"
)


def of_trl(name):
    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()


def bos_first(token):
    """A post-processor that puts the BOS before every text."""
    special = {"id": token, "ids": [0], "tokens": [token]}
    one = [{"SpecialToken": {"id": token, "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    two = [*one, {"SpecialToken": {"id": token, "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}]
    return {"type": "TemplateProcessing", "single": one, "pair": two, "special_tokens": {token: special}}


def config(bos, eos, **more):
    texts = {"bos_token": bos, "eos_token": eos, "pad_token": "<pad>", "unk_token": "<unk>"}
    texts = {name: token for name, token in texts.items() if token is not None}
    return {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False, **texts, **more}


# `jinja`: the template is in its own file; otherwise it is in the configuration.
CASES = {
    "chatml": {"tokenizer": "byteLevel", "config": config(None, "<|im_end|>", chat_template=CHATML), "bos": None},
    "llama-3": {"tokenizer": "byteLevel", "config": config("<|begin_of_text|>", "<|eot_id|>", chat_template=LLAMA3), "bos": "<|begin_of_text|>"},
    "zephyr": {"tokenizer": "metaspace", "config": config("<s>", "</s>"), "jinja": ZEPHYR, "bos": "<s>"},
    "mistral": {
        "tokenizer": "metaspace",
        "config": config("<s>", "</s>", chat_template=[{"name": "default", "template": MISTRAL}, {"name": "rag", "template": "{{ 1 }}"}]),
        "bos": "<s>",
    },
    "gemma": {"tokenizer": "unigram", "config": config("<bos>", "<eos>", chat_template=GEMMA), "bos": "<bos>"},
    "qwen-3": {"tokenizer": "byteLevel", "config": config(None, "<|im_end|>"), "jinja": of_trl("qwen3_training"), "bos": None},
    "chatml without its eos": {"tokenizer": "byteLevel", "config": config(None, "</s>", chat_template=CHATML), "bos": None},
    "no eos": {"tokenizer": "byteLevel", "config": config(None, "</s>", chat_template=NO_EOS), "bos": None},
    "line break first": {"tokenizer": "metaspace", "config": config("<s>", "</s>", chat_template=BREAK_FIRST), "bos": "<s>"},
    "two ends": {"tokenizer": "byteLevel", "config": config(None, "</s>", chat_template=TWO_ENDS), "bos": None},
}


def tokenizer_json(case, made):
    tokenizer = json.loads(json.dumps(made[case["tokenizer"]]))
    bos = case["bos"]
    if bos is not None:
        processor = bos_first(bos)
        processor["special_tokens"][bos]["ids"] = [next(t["id"] for t in tokenizer["added_tokens"] if t["content"] == bos)]
        tokenizer["post_processor"] = processor
    return tokenizer


def load(case, made):
    """Loads it as a user does, from the files of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "tokenizer.json").write_text(json.dumps(tokenizer_json(case, made)))
        (Path(folder) / "tokenizer_config.json").write_text(json.dumps(case["config"]))
        if "jinja" in case:
            (Path(folder) / "chat_template.jinja").write_text(case["jinja"])
        return transformers.AutoTokenizer.from_pretrained(folder)


# ------------------------------------------------------------------ conversations


def user(content):
    return {"role": "user", "content": content}


def bot(content):
    return {"role": "assistant", "content": content}


# The last message of each is the answer.
TALKS = {
    "plain": [user("Why is the sky blue?"), bot("Because it is.")],
    "two turns": [user("How many fish are in the sea?"), bot("Many."), user("And the park?"), bot("None, my dear.")],
    "white space around": [user("  The moon? "), bot("\n It is far away. \n")],
    "line breaks first": [user("Print it."), bot("\n\nprint(add(1, 2))  # 3")],
    "empty answer": [user("Is it?"), bot("")],
    "other scripts": [user("日本語 é ß?"), bot("😀 … “ü”")],
    "unknown characters": [user("ж ☃"), bot("☃☃ 🐟")],
    "code with tabs": [user("def add(a, b):"), bot("\treturn a + b\n\n\n")],
    "special tokens spelled": [user("Say </s> and <|im_end|>."), bot("<s> no <eos>")],
    "roles spelled": [user("assistant\n[INST] user [/INST]"), bot("<|user|>\nmodel")],
    "long": [user("The grass is greener. " * 8), bot("Is it? It's not, isn't it? " * 8)],
}
SYSTEM = [{"role": "system", "content": "You are a kind assistant."}, user("Is it blue?"), bot("It is black.")]

# Prompt and answer as text.
TEXTS = [
    ["The sky is", " blue."],
    ["The sky is ", "blue."],
    ["It is bl", "ack"],
    ["Print it.\n", "\nNo."],
    ["", "Tom and Lily"],
    ["日本", "語 😀"],
    ["He said “", "no”."],
    ["Is it?", ""],
]


def talks_of(name, tokenizer):
    talks = dict(TALKS) if name in ("mistral", "gemma") else {**TALKS, "system": SYSTEM}
    masked = "endgeneration" in tokenizer.get_chat_template()
    rows = []
    for title, messages in talks.items():
        whole = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True, return_assistant_tokens_mask=masked)
        row = {
            "title": title,
            "messages": messages,
            "text": tokenizer.apply_chat_template(messages, tokenize=False),
            "promptIds": tokenizer.apply_chat_template(messages[:-1], add_generation_prompt=True, tokenize=True, return_dict=True)["input_ids"],
            "ids": whole["input_ids"],
        }
        rows.append({**row, "assistant": whole["assistant_masks"]} if masked else row)
    return rows


def texts_of(tokenizer):
    rows = []
    for prompt, answer in TEXTS:
        closed = tokenizer(prompt + answer + tokenizer.eos_token)["input_ids"]
        rows.append({"prompt": prompt, "answer": answer, "promptIds": tokenizer(prompt)["input_ids"], "ids": closed})
    return rows


# Answers that are sampled. None begins or ends with white space, which some templates trim.
SAMPLED = ["Because it is.", "", "It is far away,\nmy dear", "Say </s> and <eos>!", "日本 😀", "☃"]


def sampled_of(tokenizer):
    """Answers as a policy samples them, and the ids at whose end TRL trains a reward for the same answer.

    `own`: the policy ends its answer as the template does, up to the first added token, or by the EOS if the template writes none.
    `eos`: it ends the same answer by the EOS at once.
    """
    rows = []
    for content in SAMPLED:
        prompt = [user("Why is the sky blue?")]
        [[trained, _]] = reward(tokenizer, [{"prompt": prompt, "chosen": [bot(content)], "rejected": [bot("No.")]}])
        closing_text = tokenizer.apply_chat_template([*prompt, bot("ANSWER")], tokenize=False).split("ANSWER")[1]
        closing = closing_ids(tokenizer, closing_text)
        whole = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=True)["input_ids"]
        # A token with characters of both the answer and its closing: no sampled answer has it.
        if trained[: len(whole)] != whole or trained[-len(closing) :] != closing:
            continue
        answer = trained[len(whole) : -len(closing)]
        ends = [at for at, token in enumerate(closing) if token in tokenizer.added_tokens_decoder]
        own = closing[: ends[0] + 1] if ends else [tokenizer.eos_token_id]
        eos = [tokenizer.eos_token_id]
        for way, end in {"own": own, "eos": eos}.items():
            text = tokenizer.decode(answer, skip_special_tokens=True)
            rows.append({"way": way, "prompt": prompt, "text": text, "ids": answer + end, "trained": trained[len(whole) :]})
    return rows


def closing_ids(tokenizer, text):
    """Its ids behind an answer: some tokenizers write another space at the beginning of a text."""
    head = tokenizer("a", add_special_tokens=False)["input_ids"]
    return tokenizer("a" + text, add_special_tokens=False)["input_ids"][len(head) :]


# ------------------------------------------------------------------ rows as TRL prepares them

MAX_LENGTH = 48

# Each list has rows of one form, because TRL only looks at the first row.
TEXT_PAIRS = [
    {"prompt": "The sky is", "chosen": " blue.", "rejected": " green."},
    {"prompt": "The sky is ", "chosen": "blue.", "rejected": "green."},
    {"prompt": "Is it?", "chosen": "", "rejected": "\n"},
    {"prompt": "", "chosen": "Tom", "rejected": "Lily"},
    {"prompt": "It is bl", "chosen": "ack", "rejected": "ue"},
    {"prompt": "Done?", "chosen": " Yes.EOS", "rejected": " EOS No."},
    {"prompt": "BOSWhy?", "chosen": " 日本 😀", "rejected": " ж"},
    {"prompt": "A kite.", "chosen": " Is it? It's not, isn't it?" * 6, "rejected": " No."},
    {"prompt": "The grass is greener. " * 12, "chosen": "Yes.", "rejected": "No."},
]
IMPLICIT_TEXT_PAIRS = [
    {"chosen": "The sky is blue.", "rejected": "The sky is green."},
    {"chosen": "It is black", "rejected": "It is blue"},
    {"chosen": "Tom went", "rejected": "Tom went to the park"},
    {"chosen": "Why?\n\nBecause.", "rejected": "Why?\n\nIt is far away."},
    {"chosen": "é ü 😀", "rejected": "é ü 😁"},
]
CHAT_PAIRS = [
    {"prompt": [user("Why?")], "chosen": [bot("Because.")], "rejected": [bot("No.")]},
    {"prompt": [user("Print it.")], "chosen": [bot("\n\n# 3")], "rejected": [bot("")]},
    {"prompt": TALKS["two turns"][:3], "chosen": [bot(" None. ")], "rejected": [bot("Many, many, many.")]},
    {"prompt": [user("Is it?")], "chosen": [bot("It is."), user("Blue?"), bot("Black.")], "rejected": [bot("No.")]},
    {"prompt": [user("The moon? " * 6)], "chosen": [bot("far " * 20)], "rejected": [bot("away")]},
]
IMPLICIT_CHAT_PAIRS = [
    {"chosen": [user("Why?"), bot("Because.")], "rejected": [user("Why?"), bot("No.")]},
    {"chosen": TALKS["two turns"], "rejected": [*TALKS["two turns"][:3], bot("Some.")]},
    {"chosen": TALKS["two turns"], "rejected": [user("How many fish are in the sea?"), bot("Two."), user("And the park?"), bot("None, my dear.")]},
]
SFT_TEXT = [{"text": "Tom and Lily went to the park."}, {"text": "The end.EOS"}, {"text": "fish " * 60}]
SFT_COMPLETIONS = [{"prompt": row["prompt"], "completion": row["chosen"]} for row in TEXT_PAIRS]
SFT_TALKS = [{"messages": TALKS[name]} for name in ("plain", "two turns", "line breaks first", "long")]
SFT_CHAT_COMPLETIONS = [{"prompt": TALKS["two turns"][:3], "completion": [bot("None.")]}, {"prompt": [user("Why?")], "completion": [bot("\n.")]}]


def spelled(value, tokenizer):
    """Replaces EOS and BOS in a row by the tokenizer's own."""
    if isinstance(value, str):
        return value.replace("EOS", tokenizer.eos_token).replace("BOS", tokenizer.bos_token or "")
    if isinstance(value, list):
        return [spelled(item, tokenizer) for item in value]
    return {key: spelled(item, tokenizer) if key != "role" else item for key, item in value.items()}


def numbered(rows):
    return Dataset.from_list([{**row, "row": number} for number, row in enumerate(rows)])


def in_place(rows, prepared, of):
    """The encoded rows; None for a dropped row."""
    made = {example["row"]: of(example) for example in prepared}
    return [made.get(number) for number in range(len(rows))]


def dpo(tokenizer, rows, **settings):
    """Prompt and answers as the collator passes them to the model: [ids, number of the prompt's ids] of both sides."""
    args = DPOConfig(output_dir="unused", report_to=[], bf16=False, use_cpu=True, **settings)
    prepared = DPOTrainer._prepare_dataset(SimpleNamespace(_tokenizer=tokenizer), numbered(rows), tokenizer, args, "train")
    collate = DataCollatorForPreference(pad_token_id=tokenizer.pad_token_id, max_length=args.max_length, truncation_mode=args.truncation_mode)

    def collated(example):
        batch = collate([example])
        sides = []
        for side in (0, 1):
            length = int(batch["attention_mask"][side].sum())
            ids = batch["input_ids"][side][:length].tolist()
            sides.append([ids, length - int(batch["completion_mask"][side].sum())])
        return sides

    return in_place(rows, prepared, collated)


def reward(tokenizer, rows, **settings):
    args = RewardConfig(output_dir="unused", report_to=[], bf16=False, use_cpu=True, **settings)
    prepared = RewardTrainer._prepare_dataset(SimpleNamespace(), numbered(rows), tokenizer, args, "train")
    return in_place(rows, prepared, lambda example: [example["chosen_ids"], example["rejected_ids"]])


def sft(tokenizer, rows, completion_only, **settings):
    """Ids and labels (-100: no loss)."""
    args = SFTConfig(output_dir="unused", report_to=[], bf16=False, use_cpu=True, **settings)
    trainer = SimpleNamespace(_tokenizer=tokenizer, chat_template=None, completion_only_loss=completion_only)
    prepared = SFTTrainer._prepare_dataset(trainer, numbered(rows), tokenizer, args, False, None, "train")
    return in_place(rows, prepared, lambda example: [example["input_ids"], example["labels"]])


def rows_of(tokenizer):
    masked = "endgeneration" in tokenizer.get_chat_template()
    of = lambda rows: spelled(rows, tokenizer)  # noqa: E731
    pairs = {"text": TEXT_PAIRS, "implicit text": IMPLICIT_TEXT_PAIRS, "chat": CHAT_PAIRS, "implicit chat": IMPLICIT_CHAT_PAIRS}
    out = []
    for form, rows in pairs.items():
        for max_length in (None, MAX_LENGTH):
            made = dpo(tokenizer, of(rows), max_length=max_length)
            out.append({"trainer": "dpo", "form": form, "maxLength": max_length, "rows": of(rows), "made": made})
        if "implicit" not in form:
            made = reward(tokenizer, of(rows), max_length=MAX_LENGTH)
            out.append({"trainer": "reward", "form": form, "maxLength": MAX_LENGTH, "rows": of(rows), "made": made})
    tasks = [("text", SFT_TEXT, False, False), ("completions", SFT_COMPLETIONS, True, False), ("completions", SFT_COMPLETIONS, False, False)]
    tasks += [("talks", SFT_TALKS, False, False), ("chat completions", SFT_CHAT_COMPLETIONS, True, False)]
    if masked:
        tasks += [("talks", SFT_TALKS, False, True), ("chat completions", SFT_CHAT_COMPLETIONS, True, True), ("chat completions", SFT_CHAT_COMPLETIONS, False, True)]
    for form, rows, completion_only, assistant_only in tasks:
        made = sft(tokenizer, of(rows), completion_only, max_length=MAX_LENGTH, assistant_only_loss=assistant_only)
        task = {"promptMask": completion_only, "assistantOnly": assistant_only}
        out.append({"trainer": "sft", "form": form, "maxLength": MAX_LENGTH, **task, "rows": of(rows), "made": made})
    return out


# ------------------------------------------------------------------ Jinja


class FixedDate(datetime):
    """What `strftime_now` writes: jinja.test.ts gives the same date."""

    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 13, 5, 9)


def jinja_files():
    chat_template_utils.datetime = FixedDate
    render = lambda template, variables: chat_template_utils._render_with_assistant_indices(  # noqa: E731
        chat_template_utils._compile_jinja_template(template), **variables
    )
    made = constructs.constructs(chat_template_utils._cached_compile_jinja_template)
    trl_templates = published.published(render, chat_template_utils._alias_reasoning_fields)
    return {
        "constructs.json": compact({"versions": VERSIONS, "values": constructs.VALUES, "groups": made}, 3),
        "published.json": compact({"versions": VERSIONS, "tokens": published.TOKENS, "talks": published.TALKS, "templates": trl_templates}, 2),
    }


# ------------------------------------------------------------------ writing and comparing


def compact(value, depth):
    """JSON with one line per entry of the outermost `depth` levels."""
    if depth == 0 or not isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    inner = [compact(item, depth - 1) for item in (value.values() if isinstance(value, dict) else value)]
    if isinstance(value, dict):
        inner = [f"{json.dumps(key, ensure_ascii=False)}:{item}" for key, item in zip(value, inner)]
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n" + ",\n".join(inner) + f"\n{closed}"


def main():
    for name in ("transformers", "trl", "datasets"):
        logging.getLogger(name).setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    warnings.filterwarnings("ignore", category=FutureWarning)
    check = "--check" in sys.argv[1:]
    path = HERE / "tokenizers.json"
    # A trained tokenizer is kept, because training breaks ties by hash order and is not reproducible.
    if path.exists():
        made = json.loads(path.read_text())
    else:
        made = {"byteLevel": byte_level(), "metaspace": metaspace(), "unigram": unigram()}
        made = {name: json.loads(tokenizer.to_str()) for name, tokenizer in made.items()}
    loaded = {name: load(case, made) for name, case in CASES.items()}
    setups = {}
    for name, case in CASES.items():
        setups[name] = {"tokenizer": case["tokenizer"], "postProcessor": tokenizer_json(case, made)["post_processor"], "config": case["config"]}
        if "jinja" in case:
            setups[name]["jinja"] = case["jinja"]
    files = {
        "tokenizers.json": compact(made, 1),
        "templates.json": compact({"versions": VERSIONS, "cases": {name: {**setups[name], "talks": talks_of(name, t), "texts": texts_of(t), "sampled": sampled_of(t)} for name, t in loaded.items()}}, 4),
        **jinja_files(),
        "rows.json": compact({"versions": VERSIONS, "cases": {name: rows_of(t) for name, t in loaded.items()}}, 3),
    }
    differing = []
    for name, text in files.items():
        if not check:
            (HERE / name).write_text(text + "\n")
        elif without_versions(json.loads(text)) != without_versions(json.loads((HERE / name).read_text())):
            differing.append(name)
    if differing:
        sys.exit(f"differs with {VERSIONS}: {', '.join(differing)}")
    print(f"{'equal' if check else 'written'} with {VERSIONS}")


def without_versions(value):
    return {key: item for key, item in value.items() if key != "versions"}


main()
