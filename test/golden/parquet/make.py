"""Parquet files as pyarrow writes them, and their rows as JSON Lines: what campaign/rows/parquet.ts must read.

One table in every codec and page version, and the shapes of two published preference sets.

    make.py            writes the files
    make.py --check    compares what pyarrow reads from them with rows.json
"""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent

MESSAGES = pa.list_(pa.struct([("content", pa.string()), ("role", pa.string())]))


def turns(*contents):
    return [{"content": text, "role": ["user", "assistant"][i % 2]} for i, text in enumerate(contents)]


def kinds():
    """Every kind of value that a data set has, with nulls at every depth. Ids are beyond 2^53."""
    n = 7
    return pa.table(
        {
            "id": pa.array([2**53 + 1, 2**53, -(2**63), 2**63 - 1, 0, 1, 2**53 - 1], pa.int64()),
            "prompt": pa.array(["plain", "caf\u00e9 \U0001f600", "a\u2028b\nc", "", None, "plain", "plain"]),
            "long": pa.array(["same " * 40] * n).dictionary_encode(),
            "chosen": pa.array(
                [turns("q", "a"), turns("q"), [], None, turns("q", "a", "r"), turns("\U0001f600"), [None]], MESSAGES
            ),
            "nested": pa.array(
                [[[1, 2], []], [], None, [None, [3]], [[None]], [[2**53 + 1]], [[4], [5, 6]]],
                pa.list_(pa.list_(pa.int64())),
            ),
            "struct": pa.array(
                [{"a": {"b": [1.5]}}, {"a": None}, None, {"a": {"b": None}}, {"a": {"b": []}}, {"a": {"b": [None]}}, None],
                pa.struct([("a", pa.struct([("b", pa.list_(pa.float64()))]))]),
            ),
            "score": pa.array([0.1, -1e300, None, 5e-324, 7.0, 1 / 3, 2.5], pa.float64()),
            "small": pa.array([0.5, 1.5, None, -2.0, 0.0, 3.25, 8.0], pa.float32()),
            "count": pa.array([1, None, 3, -4, 5, 6, 7], pa.int32()),
            "big": pa.array([1, 2, 2**64 - 1, None, 0, 5, 6], pa.uint64()),
            "flag": pa.array([True, False, None, True, True, False, False]),
            "void": pa.array([None] * n, pa.null()),
        }
    )


# Of words that compile/small-campaign.test.support.ts has tokens for.
ULTRAFEEDBACK = {
    "prompt": ["red green", "green red"],
    "prompt_id": ["f0e3", "a1b2"],
    "chosen": [turns("red green", "blue"), turns("green red", "green blue")],
    "rejected": [turns("red green", "red"), turns("green red", "red red")],
    "messages": [turns("red green", "blue"), turns("green red", "green blue")],
    "score_chosen": [8.5, 7.0],
    "score_rejected": [3.0, 6.5],
}
PREFERENCE_700K = {
    "rejected": [turns("blue red", "red"), turns("red", "blue", "green", "red")],
    "rejected_score": [1.0, 0.0],
    "chosen_score": [4.0, 1.0],
    "chosen": [turns("blue red", "green"), turns("red", "blue", "green", "blue")],
}


def preferences(columns):
    kind = {list: MESSAGES, str: pa.string(), float: pa.float64()}
    return pa.table({name: pa.array(values, kind[type(values[0])]) for name, values in columns.items()})


def files():
    """Name, table and how it is written. Row groups of three rows, so that several are read."""
    for codec in ["none", "snappy", "gzip", "zstd", "brotli"]:
        yield f"kinds-{codec}", kinds(), {"compression": codec, "data_page_version": "1.0"}
    yield "kinds-v2", kinds(), {
        "compression": "zstd",
        "data_page_version": "2.0",
        "use_dictionary": False,
        "column_encoding": {"prompt": "DELTA_BYTE_ARRAY", "id": "DELTA_BINARY_PACKED"},
    }
    yield "ultrafeedback-binarized", preferences(ULTRAFEEDBACK), {"compression": "snappy"}
    yield "preference-700k", preferences(PREFERENCE_700K), {"compression": "snappy"}
    yield "bytes", pa.table({"prompt": ["a", "b"], "image": [b"text", b"\xff\xd8"]}), {"compression": "snappy"}


def rows(table):
    """As JSON Lines would be read: integers become doubles, but for ids, which keep their digits."""

    def plain(value):
        if isinstance(value, bool) or value is None or isinstance(value, str):
            return value
        if isinstance(value, (int, float)):
            return float(value)
        if isinstance(value, bytes):
            return None
        if isinstance(value, list):
            return [plain(item) for item in value]
        return {key: plain(item) for key, item in value.items()}

    return [
        {name: str(value) if name == "id" else plain(value) for name, value in row.items()}
        for row in table.to_pylist()
    ]


def main():
    check = "--check" in sys.argv
    expected = {}
    for name, table, how in files():
        path = HERE / f"{name}.parquet"
        if not check:
            pq.write_table(table, path, row_group_size=3, **how)
        found = rows(pq.read_table(path))
        # The table of all kinds is the same in every codec.
        if expected.setdefault(name.split("-")[0], found) != found:
            sys.exit(f"{name} differs")
    text = json.dumps(expected, ensure_ascii=False, indent=1) + "\n"
    target = HERE / "rows.json"
    if not check:
        target.write_text(text)
    same = target.read_text() == text
    print("equal" if same else "rows.json differs from what pyarrow reads")
    sys.exit(0 if same else 1)


main()
