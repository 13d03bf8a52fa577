"""Tagged tokens from column files and from tables."""

import gzip

import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from hfseq.errors import HfseqError
from hfseq.tasks.token_classification.conll import read_conll, tokens_and_tags

CONLL_U = """\
# sent_id = 1
# text = I don't.
1\tI\tI\tPRON\tPRP\t_\t2\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t0\troot\t_\t_
3\tn't\tnot\tPART\tRB\t_\t2\tadvmod\t_\tSpaceAfter=No
3.1\tgo\tgo\tVERB\t_\t_\t_\t_\t_\t_
4\t.\t.\tPUNCT\t.\t_\t2\tpunct\t_\t_

# text = 10 000
1\t10 000\t10000\tNUM\tCD\t_\t0\troot\t_\t_
"""
CONLL_2003 = """\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
-DOCSTART-
Peter NNP B-NP B-PER
"""


def write(tmp_path, content, name="tags.conll"):
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_read_conll_u(tmp_path):
    path = write(tmp_path, gzip.compress(CONLL_U.encode()), "tags.conllu.gz")
    tokens = [["I", "do", "n't", "."], ["10 000"]]
    assert read_conll(path).to_dict() == {"tokens": tokens, "tags": [["PRON", "AUX", "PART", "PUNCT"], ["NUM"]]}
    assert read_conll(path, "xpos")["tags"][:] == [["PRP", "VBP", "RB", "."], ["CD"]]
    assert read_conll(path, "DEPREL")["tags"][1] == ["root"]
    with pytest.raises(HfseqError, match=r"has 10 columns, but no column of tags named 'upso': did you mean 'upos'\?"):
        read_conll(path, "upso")
    with pytest.raises(HfseqError, match="but no column of tags named 'form'"):
        read_conll(path, "form")


def test_read_conll_2003(tmp_path):
    path = write(tmp_path, CONLL_2003)
    assert read_conll(path).to_dict() == {
        "tokens": [["EU", "rejects"], ["Peter"]],
        "tags": [["B-ORG", "O"], ["B-PER"]],
    }
    assert read_conll(path, "pos")["tags"][0] == read_conll(path, "2")["tags"][0] == ["NNP", "VBZ"]


def test_read_conll_keeps_unusual_characters(tmp_path):
    """Hash tags as tokens, separators with a tab, line ends of Windows, spaces and line breaks within tokens."""
    content = "\ufeff# a comment\n#now\tO\na\u00a0b\tB-x\r\n\t\n\n# another\nc\u2028d\tO\n#\tO\n   \n"
    rows = read_conll(write(tmp_path, content))
    assert rows.to_dict() == {
        "tokens": [["#now", "a\u00a0b"], ["c\u2028d", "#"]],
        "tags": [["O", "B-x"], ["O", "O"]],
    }


def test_read_conll_distinguishes_comments_from_tokens(tmp_path):
    rows = read_conll(write(tmp_path, "# 12345\nEU B-ORG\n\n# 6\n# 7\nis O\n# #\n\n# O\n\n# #\n"))
    # Before a sentence, lines with the tag of a token are tokens; within a sentence, all lines are.
    assert rows["tokens"][:] == [["EU"], ["is", "#"], ["#"], ["#"]]
    assert rows["tags"][:] == [["B-ORG"], ["O", "#"], ["O"], ["#"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\tO\nb\n", r"line 2: 1 columns separated by tabs, but the first token has 2: 'b'\. A blank line"),
        ("a O\n\n# note\nb O\n#c\n", "line 5: 1 columns separated by spaces, but the first token has 2"),
        ("a\tO\n\tO\n", "line 2: column 1 is empty"),
        ("a\tO\nb\t\n", "line 2: column 2 is empty"),
        ("one\ntwo\n", "expected a token and its tag on each line, .* got 'one'"),
        ("# only this\n", "has no sentences"),
        (" \n\n", "is empty"),
        (b"a\tO\nb\xff\tO\n", r"is not UTF-8: byte 0xff at offset 5 \(line 2\)"),
    ],
)
def test_read_conll_rejects_malformed_files(tmp_path, content, message):
    with pytest.raises(HfseqError, match=r"tags\.conll.*" + message):
        read_conll(write(tmp_path, content))


def test_tokens_and_tags_reads_lists_and_strings():
    expected = {"tokens": [["a", "b"], ["c"]], "tags": [["O", "X"], ["X"]]}
    lists = {"words": [["a", "b"], [], ["c"]], "ner": [["O", "X"], [], ["X"]], "id": [1, 2, 3]}
    assert tokens_and_tags(Dataset.from_dict(lists), "words", "ner", "x").to_dict() == expected
    strings = {"words": ["a  b", " c"], "ner": ["O X", "X"]}
    assert tokens_and_tags(Dataset.from_dict(strings), "words", "ner", "x").to_dict() == expected
    features = Features({"words": List(Value("string")), "ner": List(ClassLabel(names=["O", "X"]))})
    ids = Dataset.from_dict({"words": [["a", "b"], ["c"]], "ner": [[0, 1], [1]]}, features=features)
    assert tokens_and_tags(ids, "words", "ner", "x").to_dict() == expected
    unknown = Dataset.from_dict({"words": [["a"]], "ner": [[-1]]}, features=features)
    with pytest.raises(HfseqError, match="table, row 0, column 'ner': element 0 is -1, which is not the id"):
        tokens_and_tags(unknown, "words", "ner", "table")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"words": [["a"], ["b", "c"]], "ner": [["O"], ["O"]]}, "row 1: 2 tokens in column 'words', but 1 tags in"),
        ({"words": ["a", None], "ner": ["O", "O"]}, "row 1, column 'words' is 'None', expected a list, or words"),
        ({"words": [["a", None]], "ner": [["O", "O"]]}, "row 0, column 'words': element 1 is 'None', expected a str"),
        ({"words": [1], "ner": ["O"]}, "row 0, column 'words' is '1', expected a list"),
        ({"words": [""], "ner": [""]}, "has no rows with tokens in column 'words'"),
        ({"word": [["a"]], "ner": [["O"]]}, r"has no column 'words': did you mean 'word'\?"),
    ],
)
def test_tokens_and_tags_rejects_malformed_tables(columns, message):
    with pytest.raises(HfseqError, match=r"table\.json.*" + message):
        tokens_and_tags(Dataset.from_dict(columns), "words", "ner", "table.json")


IDS = "".join(f"1\tAnna\tB-PER\tO\n2\tsees\tO\tO\n3\tw{n}\tO\tB-X\n\n" for n in range(3))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (IDS, "contains consecutive numbers"),
        (IDS.replace("\t", " "), "contains consecutive numbers"),
        ("0 a\n1 b\n2 c\n\n3 d\n4 e\n", "contains consecutive numbers"),
        ("d1 a O\nd1 b X\nd1 c O\n\nd2 d O\nd2 e X\n", "contains the same value for all words of a sentence"),
    ],
)
def test_read_conll_rejects_first_column_of_ids(tmp_path, content, found):
    path = write(tmp_path, content)
    with pytest.raises(HfseqError, match=rf"tags.conll: the first column {found}.*--input_column 2.*--target_column"):
        read_conll(path)
    # A column that the user names is not checked.
    assert read_conll(path, "2", input_column="1")["tokens"][0][0] in ("0", "1", "d1")
    assert read_conll(path, "1", input_column="2")["tokens"][0][0] in ("Anna", "a")


def test_read_conll_accepts_input_column_by_number_or_name(tmp_path):
    rows = read_conll(write(tmp_path, IDS), "3", input_column="2")
    assert rows[0] == {"tokens": ["Anna", "sees", "w0"], "tags": ["B-PER", "O", "O"]}
    assert read_conll(tmp_path / "tags.conll", input_column="2")["tags"][0] == ["O", "O", "B-X"]
    bank = write(tmp_path, CONLL_U, "bank.conllu")
    assert read_conll(bank, input_column="lemma")["tokens"][0] == ["I", "do", "not", "."]
    with pytest.raises(HfseqError, match="has 4 columns, so --input_column cannot be 5"):
        read_conll(tmp_path / "tags.conll", input_column="5")
    with pytest.raises(HfseqError, match=r"column 4 contains the words\. Name the column of the tags"):
        read_conll(tmp_path / "tags.conll", input_column="4")
    # Consecutive numbers are tokens if the file has no other column.
    assert read_conll(write(tmp_path, "1\n2\n\n1\n2\n"), tags_required=False)["tokens"][0] == ["1", "2"]


def test_read_conll_u_with_spaces_or_more_columns(tmp_path):
    spaces = "\n".join(line for line in CONLL_U.replace("\t", " ").splitlines() if "10 000" not in line)
    assert read_conll(write(tmp_path, spaces))["tags"][0] == ["PRON", "AUX", "PART", "PUNCT"]
    more = "\n".join(line + "\t*" if "\t" in line else line for line in CONLL_U.splitlines())
    assert read_conll(write(tmp_path, more, "bank.conllu"))["tags"][0] == ["PRON", "AUX", "PART", "PUNCT"]
    with pytest.raises(HfseqError, match="the first column contains consecutive numbers"):
        read_conll(write(tmp_path, "1\tGo" + "\t_" * 12 + "\n2\ton" + "\t_" * 12 + "\n"))


def test_read_conll_u_plus(tmp_path):
    head = "# global.columns = ID FORM UPOS PARSEME:MWE\n# sent_id = 1\n"
    path = write(tmp_path, head + "1-2\tdon't\t_\t*\n1\tdo\tAUX\t1:LVC\n2\tn't\tPART\t*\n\n1\tgo\tVERB\t*\n", "x.cupt")
    assert read_conll(path).to_dict() == {"tokens": [["do", "n't"], ["go"]], "tags": [["AUX", "PART"], ["VERB"]]}
    assert read_conll(path, "parseme:mwe")["tags"][0] == ["1:LVC", "*"]
    other = write(tmp_path, "# global.columns = NER FORM\nB-X\ta\nO\tb\n")
    assert read_conll(other, "ner").to_dict() == {"tokens": [["a", "b"]], "tags": [["B-X", "O"]]}
    for content, message in (
        ("# global.columns = ID FORM\n1\ta\tX\n", "names 2 columns, but the first token has 3"),
        ("# global.columns = ID WORD\n1\ta\n", "has no FORM: ID WORD"),
    ):
        with pytest.raises(HfseqError, match=message):
            read_conll(write(tmp_path, content))


CONLL_2012 = """\
#begin document (bc/cctv/00/cctv_0000); part 000
bc/cctv 0 0 In IN (TOP(S(PP* - - - Speaker#1 * * -
bc/cctv 0 1 New NNP (NP* - - - Speaker#1 (GPE* * (1
bc/cctv 0 2 York NNP *) - - - Speaker#1 *) * 1)

bc/cctv 0 0 Anna NNP (TOP* see 01 1 Speaker#1 (PERSON) (V*) * -
bc/cctv 0 1 sees VBZ *) - - - Speaker#1 * * * -

#end document
"""


def test_read_conll_2012(tmp_path):
    path = write(tmp_path, CONLL_2012)
    assert read_conll(path).to_dict() == {
        "tokens": [["In", "New", "York"], ["Anna", "sees"]],
        "tags": [["O", "B-GPE", "I-GPE"], ["B-PERSON", "O"]],
    }
    assert read_conll(path, "pos")["tags"][1] == ["NNP", "VBZ"]
