"""The built-in data sets that are made from the source of the standard library."""

import ast

import pytest

from hfseq.data.builtin import code_tokens, describe_builtin, load_builtin, source_code, stdlib_text
from hfseq.data.builtin.code_tokens import TAGS, tagged_lines
from hfseq.data.builtin.source_code import StandardLibrary, parse
from hfseq.data.builtin.stdlib_text import docstrings
from hfseq.errors import HfseqError

SOURCE = '''
"""About this module, and nothing else in particular."""
from os import path as p  # a comment
def open(a, *, key=len) -> "a string that is longer than that":
    """About the function, said at sufficient length here."""
    return a.b.c(key=key)[1:2], open(a), max(a)
class Max(Exception):
    async def len(self): x = len(self.len(type)) + \\
        2
'''


def tags_of(source: str) -> list[str]:
    rows = tagged_lines(source, ast.parse(source))
    return [" ".join(f"{token}:{tag}" for token, tag in zip(*row, strict=True) if tag != "operator") for row in rows]


def test_tagged_lines_of_a_module():
    assert tags_of(SOURCE) == [
        "from:keyword os:import import:keyword path:import as:keyword p:import",
        'def:keyword open:function a:parameter key:parameter len:builtin "a string that is lo:string',
        # `open` is defined in the module, so it is not a builtin.
        "return:keyword a:name b:attribute c:call key:argument key:name 1:number 2:number open:call a:name "
        "max:builtin a:name",
        "class:keyword Max:class Exception:builtin",
        # A method does not hide the builtin of the same name.
        "async:keyword def:keyword len:function self:parameter x:name len:builtin self:name len:call type:builtin "
        "2:number",
    ]


def test_tagged_lines_of_names_without_a_node():
    source = (
        "match = 1\ntry: 2\nexcept OSError as e:\n    match e, match:\n        case str(x), _:\n            global y\n"
    )
    assert tags_of(source) == [
        "match:name 1:number",
        "try:keyword 2:number",
        "except:keyword OSError:builtin as:keyword e:name",
        "match:keyword e:name match:name",
        "case:keyword str:builtin x:name _:name",
    ]


def test_tagged_lines_of_f_strings():
    # An f-string is one token up to Python 3.11, and several tokens since Python 3.12.
    (found,) = tags_of("print(f'value {a!r:>3} of', b)\n")
    assert found.startswith("print:builtin f'") and ":string" in found and found.endswith("b:name")
    # Sources that are not ASCII are skipped, because the syntax tree counts columns in bytes.
    assert tags_of("x = 'é'\n") == []


def test_docstrings_are_in_the_order_of_the_source():
    assert docstrings(ast.parse(SOURCE)) == [
        "About this module, and nothing else in particular.",
        "About the function, said at sufficient length here.",
    ]


def test_code_tokens_are_reproducible(tmp_path, monkeypatch):
    # A tenth of the real sizes, to save time.
    monkeypatch.setattr(code_tokens, "SIZES", {"test": 80, "validation": 80, "train": 600})
    splits = load_builtin("code-tokens", cache_dir=str(tmp_path))
    assert splits.num_rows == {"train": 600, "validation": 80, "test": 80}
    rows = [row for split in splits.values() for row in split]
    assert len({tuple(row["tokens"]) for row in rows}) == len(rows)
    assert all(len(row["tokens"]) == len(row["tags"]) and 3 <= len(row["tokens"]) <= 60 for row in rows)
    assert all(1 <= len(token) <= 20 and token.strip() for row in rows for token in row["tokens"])
    assert {tag for row in rows for tag in row["tags"]} == set(TAGS)
    again = code_tokens.build(StandardLibrary("again"))
    assert {split: rows.to_dict() for split, rows in again.items()} == {
        split: rows.to_dict() for split, rows in splits.items()
    }
    assert "lines of the standard library of Python 3." in describe_builtin("code-tokens")


def test_stdlib_text_is_distinct(tmp_path, monkeypatch):
    monkeypatch.setattr(stdlib_text, "SIZE", 200_000)
    splits = load_builtin("stdlib-text", cache_dir=str(tmp_path))
    assert list(splits) == ["train", "validation", "test"] and all(splits.num_rows.values())
    texts = [text for split in splits.values() for text in split["text"]]
    assert len(set(texts)) == len(texts)
    assert 200_000 <= sum(map(len, texts)) < 350_000
    assert min(map(len, texts)) >= 40 and not [text for text in texts if text != text.strip()]
    assert "docstrings of the standard library of Python 3." in describe_builtin("stdlib-text")


def test_standard_library_rejects_an_installation_without_source(tmp_path, monkeypatch):
    monkeypatch.setattr(source_code.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    with pytest.raises(HfseqError, match="builtin:dummy needs the source code of Python's standard library, but"):
        StandardLibrary("dummy")
    (tmp_path / "json" / "tests").mkdir(parents=True)
    (tmp_path / "json" / "tests" / "x.py").write_text("a = 1\n")
    (tmp_path / "json" / "broken.py").write_text("a = = 1\n")
    (tmp_path / "json" / "latin.py").write_bytes(b"# -*- coding: latin-1 -*-\nb = '\xe9'\n")
    (tmp_path / "ast.py").write_text("c = 1\n")
    (tmp_path / "mine.py").write_text("d = 1\n")
    library = StandardLibrary("dummy")
    assert [(path.name, source) for path, source, _ in library.sources()] == [("ast.py", "c = 1\n")]
    before = library.key()
    (tmp_path / "ast.py").write_text("c = 10\n")
    assert library.key() != before
    assert parse("a = = 1", "x.py") is None
