"""Every command answers bad input with exit code 2 and one message, without a traceback, and changes nothing."""

import io
import json
import os
import shutil

import huggingface_hub.constants
import pytest
from safetensors.torch import load_file, save_file
from small import TINY, make_reviews, write_csv

from hfseq.commands import main
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.models.recurrent import RecurrentConfig, RecurrentForCausalLM
from hfseq.training.run import run_training
from hfseq.training.trainer import SequenceTrainer

pytestmark = pytest.mark.slow

# Words of a command line. `train` and `compare` get an output folder where they name none.
CASES = [
    # Data.
    "train --dataset nope.csv",
    "train --dataset /dev/zero",
    "train --dataset fifo.csv",
    "train --dataset empty.csv",
    "train --dataset broken.gz.csv.gz",
    "train --dataset deep.json",
    "train --dataset one-class.csv",
    "train --dataset good.csv --text_column nope",
    "train --dataset good.csv --label_column text",
    "train --dataset good.csv --task forecasting",
    "train --dataset good.csv --modality video",
    "train --dataset good.csv --problem_type regression",
    "compare --dataset nope.csv",
    "compare --dataset one-class.csv",
    "evaluate model --dataset nope.csv",
    "evaluate model --dataset other-labels.csv",
    "evaluate model --dataset good.csv --split tset",
    "evaluate model --dataset good.csv --label_column nope",
    "predict model --input nope.txt",
    "predict model --input good.csv --text_column nope",
    "predict model --input latin.txt",
    "predict model --input - --input_format json",
    # Settings.
    "train --dataset good.csv --learning_rate nan",
    "train --dataset good.csv --learning_rate -1",
    "train --dataset good.csv --weight_decay inf",
    "train --dataset good.csv --seed -1",
    "train --dataset good.csv --seed 1180591620717411303424",
    "train --dataset good.csv --max_length 0",
    "train --dataset good.csv --num_train_epochs nan",
    "train --dataset good.csv --dataloader_num_workers -1",
    "train --dataset good.csv --lr_scheduler_type nope",
    "train --dataset good.csv --optim galore_adamw",
    "train --dataset good.csv --optim lion_8bit",
    "train --dataset good.csv --use_liger_kernel true",
    "train --dataset good.csv --prediction_loss_only true",
    "train --dataset good.csv --do_train false",
    "train --dataset good.csv --resume_from_checkpoint nope",
    "train --dataset good.csv --learning_rte 1",
    "train --dataset good.csv --config_overrides hidden_size=-1",
    "train --dataset good.csv --config_overrides use_crf=true",
    "train --dataset good.csv --target_column text",
    "train bomb.yaml",
    "train broken.yaml",
    "compare --dataset good.csv --models lstm gruu",
    "compare --dataset good.csv --seeds one",
    "compare --dataset good.csv --seeds -1",
    "generate writer --temperature nan",
    "generate writer --temperature inf",
    "generate writer --seed 1180591620717411303424",
    "generate writer --max_new_tokens -1",
    "generate writer --num_return_sequences 1000000000",
    "predict model --text a --batch_size 0",
    "predict model --text a --format xml",
    "evaluate model --dataset good.csv --batch_size -5",
    "env --format xml",
    # Places to write to.
    "train --dataset good.csv --output_dir taken",
    "train --dataset good.csv --output_dir /proc/hfseq",
    f"train --dataset good.csv --output_dir {'x' * 300}",
    "train --dataset good.csv --cache_dir taken",
    "predict model --text a --output no/such/folder.csv",
    "predict model --text a --output /proc/hfseq.csv",
    "evaluate model --dataset good.csv --output .",
    "generate writer --output taken/text.txt",
    # Models.
    "train --dataset good.csv --model lstmm",
    "train --dataset good.csv --model org/nothing",
    "train --dataset good.csv --model half --max_length 16",
    "compare --dataset good.csv --models lstm half --max_length 16",
    "compare --dataset good.csv --models taken",
    "predict half --text a",
    "predict taken --text a",
    "predict none --text a",
    "predict headless --text a",
    "predict writer/config.json --text a",
    "evaluate headless --dataset good.csv",
    "evaluate no/such/model",
    "generate model --prompt a",
    "generate half",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory, reviews):
    """A folder with the files of the commands."""
    folder = tmp_path_factory.mktemp("place")
    data = {"dataset": str(reviews), "cache_dir": str(folder / "cache"), "output_dir": str(folder / "model")}
    run_training({**TINY, "num_train_epochs": 1, **data})
    tokenizer = train_tokenizer("word", ["a day of rain"] * 2, vocab_size=50, model_max_length=16)
    config = RecurrentConfig(vocab_size=len(tokenizer), embedding_size=4, hidden_size=4, bidirectional=False)
    RecurrentForCausalLM(config).save_pretrained(folder / "writer")
    tokenizer.save_pretrained(folder / "writer")
    for name in ("half", "headless"):
        shutil.copytree(folder / "model", folder / name)
    weights = load_file(folder / "model" / "model.safetensors")
    headless = {key: value for key, value in weights.items() if "classifier" not in key}
    save_file(headless, folder / "headless" / "model.safetensors", {"format": "pt"})
    content = (folder / "half" / "model.safetensors").read_bytes()
    (folder / "half" / "model.safetensors").write_bytes(content[: len(content) // 2])
    (folder / "none").mkdir()
    write_csv(folder / "good.csv", make_reviews(60, 3))
    write_csv(folder / "other-labels.csv", [{"text": "a", "label": "neutral"}] * 3)
    write_csv(folder / "one-class.csv", [{"text": f"a {n}", "label": "x"} for n in range(30)])
    texts = {
        "empty.csv": "",
        "broken.gz.csv.gz": "not packed",
        "deep.json": "[" * 100_000,
        "taken": "a file",
        "broken.yaml": "model: [gru\n",
        "bomb.yaml": "a: &a [x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "config_overrides: {x: *i}\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    (folder / "latin.txt").write_bytes(b"a \xe4\n")
    os.mkfifo(folder / "fifo.csv")
    return folder


def test_every_command_reports_bad_input_in_one_message(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    monkeypatch.setattr("sys.stdin", io.StringIO("{"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(SequenceTrainer, "train", lambda *a, **k: pytest.fail("a training has started"))
    monkeypatch.setattr("hfseq.comparison.orchestration.train_runs", lambda *a: pytest.fail("a training has started"))
    before = {path: path.read_bytes() for path in place.glob("*/*") if path.is_file() and path.parent.name != "cache"}
    wrong = {}
    for case in CASES:
        words = case.split()
        if words[0] in ("train", "compare") and "--output_dir" not in words:
            words += ["--output_dir", "out"]
        if words[0] in ("train", "compare", "evaluate") and "--cache_dir" not in words and words[0] != "evaluate":
            words += ["--cache_dir", "cache"]
        fault = fault_of(words, capsys)
        if fault is not None:
            wrong[case] = fault
        if (place / "out").exists():
            wrong[case] = f"{wrong.get(case, '')} wrote out: {[path.name for path in (place / 'out').iterdir()]}"
            shutil.rmtree(place / "out")
    assert not wrong, json.dumps(wrong, indent=1)
    assert len(CASES) >= 60
    assert {path: path.read_bytes() for path in before} == before


def fault_of(words, capsys):
    """The error in how a command ends; `None` if it ends correctly."""
    try:
        code = main(words)
    except BaseException as error:  # what a user would see as a traceback
        return f"{type(error).__name__}: {str(error)[:300]}"
    finally:
        captured = capsys.readouterr()
    messages = [line for line in captured.err.splitlines() if "hfseq: error: " in line]
    if code != 2 or len(messages) != 1 or "Traceback" in captured.err or captured.out:
        return f"code {code}: {captured.out[-200:]} {captured.err[-300:]}"
    return None
