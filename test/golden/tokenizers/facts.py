# Which special and added tokens transformers reads from the files beside tokenizer.json: every combination of what the files may say, and what
# a text becomes. From the repository root:
#   python3 test/golden/tokenizers/facts.py            writes facts.json
#   python3 test/golden/tokenizers/facts.py --check    compares the file with the values of the installed versions
# Versions: test/golden/requirements.txt (CPU is enough; nothing is downloaded).
import itertools
import json
import logging
import sys
import tempfile
from pathlib import Path

import transformers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

HERE = Path(__file__).parent
TEXTS = ["a <s> b</s>", "x<|end|> y <|end|>", "<tool>w <pad>z", "word 12 é", "</s><s><|end|><tool>", "A word\u00a0<tool> "]


def token(content, **flags):
    return {"content": content, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True, **flags}


def base():
    """Bytes, one word, three special tokens and one that is not special."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: at for at, letter in enumerate([*alphabet, "wo", "rd", "word"])}
    tokenizer = Tokenizer(models.BPE(vocab, [("w", "o"), ("r", "d"), ("wo", "rd")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in ("<s>", "</s>", "<pad>")])
    tokenizer.add_tokens([AddedToken("<|end|>", normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))])
    return json.loads(tokenizer.to_str())


BASE = base()
IDS = {added["content"]: added["id"] for added in BASE["added_tokens"]}
NEXT = max(IDS.values()) + 1
NAMED = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}

DECODERS = {
    "none": None,
    "same": {str(added["id"]): {key: value for key, value in added.items() if key != "id"} for added in BASE["added_tokens"]},
    "more": {str(NEXT): token("<tool>"), str(NEXT + 1): token("<x>", special=False)},
    "flags": {str(IDS["<|end|>"]): token("<|end|>", lstrip=True, rstrip=True), str(IDS["</s>"]): token("</s>", single_word=True)},
    "gap": {str(NEXT + 5): token("<tool>")},
    "word": {str(BASE["model"]["vocab"]["word"]): token("word")},
}
CONFIGS = {
    "all": NAMED,
    "no eos": {key: value for key, value in NAMED.items() if key != "eos_token"},
    "objects": {key: token(value, __type="AddedToken") for key, value in NAMED.items()},
    "eos not special": {**NAMED, "eos_token": "<|end|>"},
    "eos without id": {**NAMED, "eos_token": "<tool>"},
    "pad without id": {**NAMED, "pad_token": "<tool>"},
    "extra": {**NAMED, "additional_special_tokens": ["<tool>", "word"]},
    "own": {**NAMED, "image_token": "<tool>"},
    "bos alone": {"bos_token": "<s>"},
}
MAPS = {
    "none": None,
    "eos": {"eos_token": "<|end|>"},
    "objects": {"eos_token": token("</s>"), "bos_token": token("<s>"), "unk_token": token("word", normalized=True)},
    "extra": {"additional_special_tokens": ["<tool>"]},
    "strips": {"pad_token": token("<tool>", lstrip=True)},
}
ADDED = {"none": None, "same": {"<|end|>": IDS["<|end|>"]}, "more": {"<tool>": NEXT}, "other id": {"<|end|>": 7}}
SETTINGS = [{}, {"add_bos_token": True}, {"add_bos_token": False}, {"add_eos_token": True}, {"split_special_tokens": True}, {"clean_up_tokenization_spaces": True}, {"legacy": False}, {"add_prefix_space": True}, {"model_max_length": 3}, {"tokenizer_class": "ByT5Tokenizer"}, {"tokenizer_class": "Unheard"}, {"do_lower_case": True}, {"remove_space": True}, {"truncation_side": "left"}]


def read(config, decoder, special_map, added, more, post=True):
    with tempfile.TemporaryDirectory() as folder:
        files = {"tokenizer.json": BASE if post else {**BASE, "post_processor": None}, "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **config, **more, **({"added_tokens_decoder": decoder} if decoder else {})}}
        if special_map is not None:
            files["special_tokens_map.json"] = special_map
        if added is not None:
            files["added_tokens.json"] = added
        for name, value in files.items():
            (Path(folder) / name).write_text(json.dumps(value))
        beside = {name: value for name, value in files.items() if name != "tokenizer.json"}
        case = {"files": beside, "post": post}
        try:
            tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
            ids = [tokenizer(text)["input_ids"] for text in TEXTS]
            texts = [tokenizer.decode(each, skip_special_tokens=True) for each in ids]
            return {**case, "eos": tokenizer.eos_token_id, "bos": tokenizer.bos_token_id, "ids": ids, "texts": texts}
        except Exception as error:  # noqa: BLE001
            return {**case, "raises": type(error).__name__}


def main():
    for name in ("transformers", "transformers.tokenization_utils_base"):
        logging.getLogger(name).setLevel(logging.ERROR)
    made = [read(CONFIGS[a], DECODERS[b], MAPS[c], ADDED[d], {}) for a, b, c, d in itertools.product(CONFIGS, DECODERS, MAPS, ADDED) if d == "none" or (a, c) in (("all", "none"), ("no eos", "eos"))]
    made += [read(NAMED, None, None, None, more, post) for more in SETTINGS for post in (True, False)]
    made = list({json.dumps(case, sort_keys=True): case for case in made}.values())
    path = HERE / "facts.json"
    values = {"versions": {"transformers": transformers.__version__}, "base": BASE, "inputs": TEXTS, "cases": made}
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":")).replace('{"files":', '\n{"files":')
    if "--check" in sys.argv[1:] and json.loads(path.read_text())["cases"] != json.loads(text)["cases"]:
        sys.exit("differs")
    if "--check" not in sys.argv[1:]:
        path.write_text(text + "\n")
    print(len(made), "cases,", len(text), "characters")


main()
