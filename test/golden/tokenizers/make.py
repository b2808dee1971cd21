# What Python's tokenizers make of every kind of part of a tokenizer.json: normalizers, pre-tokenizers, models, post-processors, decoders and
# flags of added tokens, each on texts with every kind of blank, script, digit, sign and combining mark. From the repository root:
#   python3 test/golden/tokenizers/make.py            writes parts.json
#   python3 test/golden/tokenizers/make.py --check    compares the file with the values of the installed version
# Versions: test/golden/requirements.txt (CPU is enough; nothing is downloaded).
import hashlib
import itertools
import json
import sys
from pathlib import Path

import tokenizers
from tokenizers import Tokenizer

HERE = Path(__file__).parent

TEXTS = [
    "", " ", "Hello, world! It's 42.", "  two  blanks\n\n\tlines  \r\n end \n", " a b ", "a\u00a0b\u2003c\u3000d\u202fe\u205ff\u1680g", "a\u0085b\u2028c\u2029d\u200be\ufefff\u180eg",
    "\ufeffbom", "end\ufeff", "\u0085x\u0085", "\x1ca\x1d\x1e\x1fb\x0b\x0c", "\x00a\x01\x7f\x8fb\u00ad\u200d\u200e\u2060", "日本語 中文字。漢字、𠀀𪛖", "ひらがなカタカナ ﾊﾝｶｸ Ｆｕｌｌ　ｗｉｄｔｈ１２", "한국어 한글 각 ㄱㅏ",
    "😀 👩‍👩‍👧 🇩🇪 ☃️ 👍🏽", "é è ñ ü Å ﬁ ﬀ ǆ", "e\u0301 n\u0303 a\u0308\u0301 \u0301x", "ΟΔΟΣ Σίσυφος ΑΣ. ς", "İstanbul ISPARTA ıI ẞ ß ŉ", "ЖЁЙ й Ѐ", "नमस्ते ไทย ภาษา עִבְרִית العَرَبِيَّة",
    "12 ٣٤ ५६ Ⅳ ⅷ ² ³ ½ ① 𝟙𝟚 ㈱ ㎏", "a_b__c d-e—f…g «h» “i” ‘j’ k·l ¡m! ¿n?", "$1 €2 £3 + = < > ^ ` | ~ ¢ ¦ © ® ° ± × ÷ ∑ √ ∞", "don't we'll I'm you're they've he'd 'S 'T DON'T", "foo.bar@x.com http://a.b/c?d=e&f", "CamelCase snake_case SHOUT",
    "def f(x):\n    return {'a': [1, 2]}\n", "x" * 30 + " " + "y" * 9, "a\u0300\u0316\u0323b", "＜tag＞ <tag>x</tag> [SEP][MASK]", "▁a ▁ b▁▁c", "##a ## b", "Ġa Ċ b", "～ 〜 ‐ ‑ − ﹣", "\ufffd a\ufffdb", "𝒜𝓫 ℌ ℝ Å K Ω", "ﷺ ﷽ ﬗ", "ქართული Ꭰꭰ ᏸ ⴀ Ა",
    "Ⅷ ⓐ ⒜ ℃ ℉ ㍿ ㋿ ㏿", "\u0958 \u09dc \u2adc \ufb1d", "\u1100\u1161\u11a8 \uac00\u11a8", "a\tb\vc\fd\re\nf", "\n", "\r\n\r\n", "\t\t x", " leading", "trailing ", "a  b   c    d",
    "word1word2 3d 4th x2y", "A.B.C. U.S.A", "(a)[b]{c}<d>/e\\f", "🤷‍♀️x🤷", "\U000e0001\U0001f3f4\U000e0067\U000e007f", "\u0378\u0530 \U0001fae9 \U000105c0",
]


# ------------------------------------------------------------------ normalizers and pre-tokenizers

LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN35 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
GPT4O = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+", r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
PATTERNS = [{"String": " "}, {"String": "▁"}, {"String": "."}, {"Regex": r"\s+"}, {"Regex": r"\d"}, {"Regex": r"\p{N}{1,3}"}, {"Regex": r"\w+|[^\w\s]+"}, {"Regex": r"\b"}, {"Regex": " {2,}"}, {"Regex": GPT2}, {"Regex": LLAMA3}, {"Regex": QWEN2}, {"Regex": QWEN35}, {"Regex": GPT4O}, *[{"Regex": text} for text in DEEPSEEK]]

NORMALIZERS = [{"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents", "ByteLevel")]
NORMALIZERS += [{"type": "Strip", "strip_left": left, "strip_right": right} for left in (True, False) for right in (True, False)]
NORMALIZERS += [{"type": "Prepend", "prepend": text} for text in ("▁", " ", "x")]
NORMALIZERS += [{"type": "Replace", "pattern": pattern, "content": content} for pattern in PATTERNS for content in ("▁", "", "$1$&")]
NORMALIZERS += [{"type": "BertNormalizer", "clean_text": a, "handle_chinese_chars": b, "strip_accents": c, "lowercase": d} for a in (True, False) for b in (True, False) for c in (True, False, None) for d in (True, False)]
NORMALIZERS += [
    {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
    {"type": "Sequence", "normalizers": [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]},
    {"type": "Sequence", "normalizers": []},
]

BEHAVIORS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]
PRE_TOKENIZERS = [{"type": kind} for kind in ("BertPreTokenizer", "Whitespace", "WhitespaceSplit", "UnicodeScripts")]
PRE_TOKENIZERS += [{"type": "ByteLevel", "add_prefix_space": a, "trim_offsets": True, "use_regex": b} for a in (True, False) for b in (True, False)]
PRE_TOKENIZERS += [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split} for scheme in ("always", "first", "never") for split in (True, False)]
PRE_TOKENIZERS += [{"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert} for pattern in PATTERNS for behavior in BEHAVIORS for invert in (True, False)]
PRE_TOKENIZERS += [{"type": "Punctuation", "behavior": behavior} for behavior in BEHAVIORS]
PRE_TOKENIZERS += [{"type": "Digits", "individual_digits": each} for each in (True, False)]
PRE_TOKENIZERS += [{"type": "CharDelimiterSplit", "delimiter": "_"}, {"type": "FixedLength", "length": 3}]
PRE_TOKENIZERS += [
    {"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
    for pattern in (LLAMA3, QWEN2, QWEN35, GPT4O)
]
PRE_TOKENIZERS += [
    {"type": "Sequence", "pretokenizers": [*[{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False} for pattern in DEEPSEEK], {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
    {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]},
    {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
    {"type": "Sequence", "pretokenizers": []},
]

# ------------------------------------------------------------------ decoders

TOKENS = [
    ["▁Hello", "▁wor", "ld", "▁", "▁!"], ["Hello", "world"], ["Ġa", "b", "Ċ", "Ġ"], ["a", "##b", "##", "c", "'", "s", "."], ["a</w>", "b", "c</w>"], ["<0xE6>", "<0x97>", "<0xA5>", "x", "<0xF0>", "<0x9F>"], ["<0x41>", "▁", "<0xzz>", "<0x0A>"],
    [" ", "  a ", " b"], ["æĹ¥", "æľ", "¬"], ["a", "|", "a", "a", "<pad>", "b"], ["▁", "▁"], ["▁▁a", "b▁"], ["do", "n't", "I", "'m", "!", "?", ","], ["x"], ["<s>", "▁a", "</s>"], ["日", "本", "😀"], ["I", "##'", "##m"], ["<0xEF>", "<0xBB>", "<0xBF>", "a"],
]
DECODERS = [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}, {"type": "Fuse"}, {"type": "ByteFallback"}]
DECODERS += [{"type": "WordPiece", "prefix": "##", "cleanup": cleanup} for cleanup in (True, False)]
DECODERS += [{"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": split} for scheme in ("always", "first", "never") for split in (True, False)]
DECODERS += [{"type": "BPEDecoder", "suffix": "</w>"}]
DECODERS += [{"type": "CTC", "pad_token": "<pad>", "word_delimiter_token": "|", "cleanup": cleanup} for cleanup in (True, False)]
DECODERS += [{"type": "Replace", "pattern": pattern, "content": content} for pattern in ({"String": "▁"}, {"Regex": "▁+"}, {"String": "."}) for content in (" ", "")]
DECODERS += [{"type": "Strip", "content": " ", "start": start, "stop": stop} for start in (0, 1, 2) for stop in (0, 1)]
LLAMA2 = [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
DECODERS += [{"type": "Sequence", "decoders": LLAMA2}, {"type": "Sequence", "decoders": LLAMA2[:3]}]

# ------------------------------------------------------------------ models

WORDS = ["Hello", "world", "two", "blanks", "lines", "the", "a", "b", "don't"]


def characters():
    seen = sorted({letter for text in TEXTS for letter in text} - {" "})
    return [letter for at, letter in enumerate(seen) if at % 3 or letter.isascii()]


def bpe(**more):
    suffix = more.get("end_of_word_suffix") or ""
    prefix = more.get("continuing_subword_prefix") or ""
    letters = characters()
    merged = ["He", "ll", "llo", "wo", "rl", "ab", "▁a", "▁▁", "in", "li", "th", "the", "aa", "xx", "xxxx"]
    merges = [("H", "e"), ("l", "l"), ("ll", "o"), ("w", "o"), ("r", "l"), ("a", "b"), ("▁", "a"), ("▁", "▁"), ("i", "n"), ("l", "i"), ("t", "h"), ("th", "e"), ("a", "a"), ("x", "x"), ("xx", "xx")]
    vocab = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)], *letters, *merged, "Hello", *[prefix + letter for letter in letters if prefix], *[letter + suffix for letter in letters if suffix]]
    if prefix:
        merges = []
    return {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False, **more, "vocab": {token: at for at, token in enumerate(dict.fromkeys(vocab))}, "merges": [list(pair) for pair in merges]}


def unigram(**more):
    pieces = ["<unk>", "<s>", "</s>", *[f"<0x{byte:02X}>" for byte in range(256)], "▁", *characters(), "▁a", "He", "llo", "Hello", "▁world", "in", "th", "the", "▁the", "xx", "xxx"]
    scores = {piece: -1.0 - (at * 37 % 101) / 17 for at, piece in enumerate(dict.fromkeys(pieces))}
    return {"type": "Unigram", "unk_id": 0, "vocab": [[piece, 0.0 if at < 3 else score] for at, (piece, score) in enumerate(scores.items())], "byte_fallback": False, **more}


def wordpiece(**more):
    pieces = ["<unk>", "<s>", "</s>", *characters(), *["##" + letter for letter in characters()], *WORDS, "##llo", "##s", "He"]
    return {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, **more, "vocab": {token: at for at, token in enumerate(dict.fromkeys(pieces))}}


def wordlevel(**more):
    return {"type": "WordLevel", "unk_token": "<unk>", **more, "vocab": {token: at for at, token in enumerate(["<unk>", "<s>", "</s>", *WORDS])}}


META = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
SPLIT = {"type": "WhitespaceSplit"}
MODELS = [
    *[(bpe(fuse_unk=a, byte_fallback=b, ignore_merges=c), pre) for a in (True, False) for b in (True, False) for c in (True, False) for pre in (META, SPLIT)],
    (bpe(unk_token=None), META), (bpe(end_of_word_suffix="</w>"), SPLIT), (bpe(continuing_subword_prefix="##"), SPLIT), (bpe(end_of_word_suffix=""), SPLIT), (bpe(continuing_subword_prefix=""), SPLIT),
    *[(unigram(byte_fallback=fallback), pre) for fallback in (True, False) for pre in (META, SPLIT)],
    (wordpiece(), SPLIT), (wordpiece(max_input_chars_per_word=5), SPLIT), (wordlevel(), SPLIT), (wordlevel(unk_token="nope"), SPLIT),
]

# ------------------------------------------------------------------ added tokens and post-processors

FLAGS = ["single_word", "lstrip", "rstrip", "normalized", "special"]
ADDED_TEXTS = ["<t>", " <t> ", "a<t>b", "a <t> b", "a\n<t>\u00a0b", "\ufeff<t>\ufeff", "a\u0085<t>\u0085b", "<t><t>", "x <t>  <t> y", "<T> <t>", "a<t>", "<t>b", "é<t>_", "Hi there", "hi THERE", "\n\n<t>\n\n", "\n\n\n x", "▁<t>▁", "日<t>本", "<t>.", "<t", "<<t>>", "a  <long token> b<long token>", "x\n\n <t>"]
ADDED = ["<t>", "Hi", "<long token>", "\n\n", "Hello", "a"]
ADDED_NORMALIZERS = [None, {"type": "Lowercase"}, {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}, {"type": "NFKC"}]
SPECIAL = lambda token: {"SpecialToken": {"id": token, "type_id": 0}}  # noqa: E731
A = {"Sequence": {"id": "A", "type_id": 0}}
B = {"Sequence": {"id": "B", "type_id": 0}}
IDS = {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}, "</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}, "<two>": {"id": "<two>", "ids": [1, 2], "tokens": ["<s>", "</s>"]}}
template = lambda single: {"type": "TemplateProcessing", "single": single, "pair": [A, B], "special_tokens": IDS}  # noqa: E731
BYTES = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False, "use_regex": True}
POST = [
    None, BYTES, template([A]), template([SPECIAL("<s>"), A]), template([SPECIAL("<s>"), A, SPECIAL("</s>")]), template([SPECIAL("<two>"), A]), template([A, A]),
    {"type": "BertProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1]}, {"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 1], "trim_offsets": True, "add_prefix_space": True},
    {"type": "Sequence", "processors": [BYTES, template([SPECIAL("<s>"), A])]}, {"type": "Sequence", "processors": [template([SPECIAL("<s>"), A]), template([A, SPECIAL("</s>")])]},
]


def whole(model, **more):
    """A tokenizer.json."""
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None, **more, "model": model}


def attempt(make):
    try:
        return make()
    except BaseException as error:  # noqa: BLE001  a panic of Rust is not an Exception
        return {"raises": str(error).split("\n")[0][:60]}


def normalized(part):
    tokenizer = Tokenizer.from_str(json.dumps(whole(wordlevel(), normalizer=part)))
    return [attempt(lambda: tokenizer.normalizer.normalize_str(text)) for text in TEXTS]


def cut(part):
    tokenizer = Tokenizer.from_str(json.dumps(whole(wordlevel(), pre_tokenizer=part)))
    return [attempt(lambda: [piece for piece, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text) if piece]) for text in TEXTS]


def decoded(part):
    tokenizer = Tokenizer.from_str(json.dumps(whole(wordlevel(), decoder=part)))
    return [attempt(lambda: tokenizer.decoder.decode(tokens)) for tokens in TOKENS]


def encoded(tokenizer, texts):
    tokenizer = Tokenizer.from_str(json.dumps(tokenizer))
    return [attempt(lambda: tokenizer.encode(text).ids) for text in texts]


def added(model):
    """All flags × normalizers. The last two tokens are in the vocabulary."""
    ids = {content: model["vocab"].get(content, len(model["vocab"]) + at) for at, content in enumerate(ADDED)}
    for values in itertools.product((False, True), repeat=len(FLAGS)):
        flags = dict(zip(FLAGS, values))
        for normalizer in ADDED_NORMALIZERS:
            yield {"added_tokens": [{"id": ids[content], "content": content, **flags} for content in ADDED], "normalizer": normalizer}


FORMS = ["NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents"]


def every_character(kind):
    """A digest of what the normalizer makes of each code point."""
    normalizer = getattr(tokenizers.normalizers, kind)()
    made = (normalizer.normalize_str(chr(code)) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    return hashlib.sha256("\n".join(made).encode()).hexdigest()[:10]


VOCABULARIES = []


def light(part):
    """The part with an index into VOCABULARIES in place of its model's vocabulary and merges."""
    if "model" not in part:
        return part
    own = {key: value for key, value in part["model"].items() if key in ("vocab", "merges")}
    if own not in VOCABULARIES:
        VOCABULARIES.append(own)
    return {**part, "model": {key: value for key, value in part["model"].items() if key not in own}, "vocabulary": VOCABULARIES.index(own)}


def digest(value):
    """Of a text's result; null if Python raises."""
    if isinstance(value, dict):
        return None
    return hashlib.sha256(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()[:10]


def measured(parts, make):
    """null: Python does not know the part."""
    rows = []
    for part in parts:
        made = attempt(lambda: make(part))
        rows.append({"part": light(part), "made": None if isinstance(made, dict) else " ".join(str(digest(value)) for value in made)})
    return rows


def main():
    check = "--check" in sys.argv[1:]
    base = bpe(byte_fallback=True)
    groups = {
        "normalizer": (TEXTS, measured(NORMALIZERS, normalized)),
        "pre_tokenizer": (TEXTS, measured(PRE_TOKENIZERS, cut)),
        "decoder": (TOKENS, measured(DECODERS, decoded)),
        "model": (TEXTS, measured([{"model": model, "pre_tokenizer": pre} for model, pre in MODELS], lambda part: encoded(whole(**part), TEXTS))),
        "added_tokens": (ADDED_TEXTS, measured(added(base), lambda part: encoded(whole(base, **part), ADDED_TEXTS))),
        "post_processor": (TEXTS[:8], measured([{"post_processor": part} for part in POST], lambda part: encoded(whole(base, **part), TEXTS[:8]))),
    }
    made = {name: {"inputs": inputs, "parts": parts} for name, (inputs, parts) in groups.items()}
    values = {"versions": {"tokenizers": tokenizers.__version__}, "vocabularies": VOCABULARIES, "base": base, "characters": {kind: every_character(kind) for kind in FORMS}, "groups": made}
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace('{"part":', '\n{"part":')
    if check and {**json.loads((HERE / "parts.json").read_text()), "versions": 0} != {**json.loads(text), "versions": 0}:
        sys.exit(f"differs with tokenizers {tokenizers.__version__}")
    if not check:
        (HERE / "parts.json").write_text(text + "\n")
    print("equal" if check else "written", len(text), {name: len(group["parts"]) for name, group in made.items()})


main()
