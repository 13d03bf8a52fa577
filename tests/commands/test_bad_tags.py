"""Invalid tagged sentences are rejected with exit code 2 and the place of the error."""

import json

import pytest

from hfseq.commands import main
from hfseq.training.trainer import SequenceTrainer

CONTENTS: dict[str, str | bytes] = {
    "good.conll": "".join(f"word{n}\tO\nname{n}\tB-X\n\n" for n in range(20)),
    "tokens.conll": "EU,B-ORG\nrejects,O\n",
    "columns.conll": "EU\tB-ORG\nrejects\n",
    "latin.conll": b"caf\xe9\tO\nParis\tB-LOC\n",
    "one-tag.conll": "a\tO\n\nb\tO\n",
    "bank.conllu": "1\tGo\tgo\tVERB\tVB\t_\t0\troot\t_\t_\n\n",
    "number.jsonl": '{"tokens": ["a", "b"], "tags": ["O", "X"]}\n{"tokens": ["a", "b"], "tags": ["O"]}\n',
    "no-tags.jsonl": '{"tokens": ["a", "b"], "verdict": ["O", "X"]}\n',
    "null.jsonl": '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a", null], "tags": ["O", "X"]}\n',
    "words.csv": "doc,word,tag\n1,Anna,B-X\n1,sings,O\n2,so,O\n",
    "lists.csv": "word,tag\n" + "\"['a', 'b']\",\"['O', 'X']\"\n" * 3 + "\"['a', 'b'\",O X\n",
    "two/train.conll": "a\tO\nb\tX\n",
    "two/training.conllu": "a\tO\nb\tX\n",
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The working directory, with the files of the cases below."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SequenceTrainer, "train", lambda *args, **kwargs: pytest.fail("a training has started"))
    for name, content in CONTENTS.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["tokens.conll"], ["split 'train' of 'tokens.conll' has tokens and no tags, for example", "EU,B-ORG"]),
        (["columns.conll"], ["columns.conll, line 2: 1 columns separated by tabs, but the first token has 2"]),
        (["latin.conll"], ["latin.conll is not UTF-8: byte 0xe9 at offset 3 (line 1)"]),
        (["one-tag.conll"], ["'one-tag.conll', column 'tags': there is only one tag, 'O'; at least two are needed"]),
        (["bank.conllu", "--target_column", "upso"], ["bank.conllu has 10 columns", "did you mean 'upos'?"]),
        (["number.jsonl"], ["'number.jsonl', row 1: 2 tokens in column 'tokens', but 1 tags in column 'tags'"]),
        (["null.jsonl"], ["'null.jsonl', row 1, column 'tokens': element 1 is 'None'"]),
        (["no-tags.jsonl"], ["no column looks like the target among 'tokens', 'verdict'", "--target_column"]),
        (["number.jsonl", "--input_column", "tags", "--target_column", "tags"], ["'tags' cannot be both input and"]),
        (["words.csv"], ["each row has a single word in column 'word'. Name the column that identifies the sentence"]),
        (["words.csv", "--id_column", "dog"], ["--id_column: there is no column 'dog', did you mean 'doc'?"]),
        (["lists.csv"], ["'lists.csv', column 'word', row 3: \"['a', 'b'\" cannot be read as a list"]),
        (["two"], ["two has two files for split 'train': train.conll and training.conllu"]),
        (["good.conll", "--truncation", "tail"], ["truncation 'tail'", "leave it at 'head', or raise --max_length"]),
        (["good.conll", "--max_length", "1"], ["max_length is 1, but must be at least 2"]),
        (
            ["good.conll", "--metric_for_best_model", "f2"],
            ["metric_for_best_model 'f2' is not a metric of token_class"],
        ),
        (["good.conll", "--class_weights", "1"], ["class_weights has 1 values, but the data has 2 tags: B-X, O"]),
        (
            ["good.conll", "--config_overrides", "use_crf=true", "--class_weights", "balanced"],
            ["class_weights and label_smoothing_factor cannot be combined with use_crf"],
        ),
        (
            ["good.conll", "--config_overrides", "use_crf=true,crf_constraints=bioes"],
            ["cannot be built for token_classification", "the labels have 'B-X' but no 'E-X'"],
        ),
    ],
    ids=lambda value: "-".join(value)[:30],
)
def test_train_rejects_invalid_tags(files, capsys, words, parts):
    flags = ["--task", "token_classification", "--output_dir", "out", "--cache_dir", "cache", "--use_cpu"]
    assert main(["train", "--dataset", *words, *flags]) == 2
    message = capsys.readouterr().err
    message = message[message.index("hfseq: error: ") :]
    for part in parts:
        assert part in message
    assert "Traceback" not in message and not (files / "out").exists()


def test_task_rejects_rows_without_words(tmp_path):
    from datasets import Dataset

    from hfseq.data.arguments import DataArguments
    from hfseq.data.labels.columns import Columns
    from hfseq.errors import HfseqError
    from hfseq.tasks import TokenClassification

    task = TokenClassification(("O", "X"))
    rows = Dataset.from_list(json.loads('[{"tokens": ["a"]}, {"tokens": null}]'))
    with pytest.raises(HfseqError, match="here, row 1, column 'tokens' is 'None', expected a list of words"):
        task.check_rows(rows, Columns("tokens"), "here")
    tagged = Dataset.from_dict({"tokens": [["a"], ["a", "b"]], "tags": [["O"], ["O", "Y"]]})
    with pytest.raises(HfseqError, match="here, row 1: tag 'Y' of word 1 was not seen in training, choose from"):
        task.read_split(tagged, DataArguments(), "here")
