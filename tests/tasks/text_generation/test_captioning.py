import csv

import numpy as np
import pytest
from PIL import Image
from small import TINY, write_csv
from transformers import AutoModelForImageTextToText, AutoTokenizer

from hfseq import run_training
from hfseq.commands import main
from hfseq.data.arguments import DataArguments
from hfseq.errors import HfseqError
from hfseq.inference.predictor import Predictor
from hfseq.modalities import find_modality
from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.text.tokenizers import train_tokenizer
from hfseq.registry import get_task
from hfseq.tasks import Captioning, LossSettings
from hfseq.training.model_building import scratch_config
from hfseq.training.record import RunRecord

SIZES = {"train": 16, "validation": 4, "test": 5}
RESNET = (
    '{"hidden_size": 8, "embedding_size": 8, "encoder": '
    '{"embedding_size": 8, "hidden_sizes": [8], "depths": [1], "layer_type": "basic"}}'
)
VIT = (
    '{"encoder": {"patch_size": 4, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, '
    '"intermediate_size": 8}, "decoder": {"n_embd": 8, "n_layer": 1, "n_head": 2, "n_inner": 8}}'
)
SMALL = {
    **{name: value for name, value in TINY.items() if name not in ("model", "config_overrides")},
    "task": "captioning",
    "image_size": 16,
    "num_channels": 1,
    "max_target_length": 6,
    "num_beams": 2,
}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Light and dark images of several sizes, with two captions each."""
    folder = tmp_path_factory.mktemp("images")
    generator = np.random.default_rng(0)
    for split, count in SIZES.items():
        (folder / split).mkdir()
        rows = []
        for number in range(count):
            light = number % 2
            pixels = generator.integers(120 * light, 120 * light + 100, size=(10 + number, 12), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / split / f"{number}.png")
            word = ("dark", "light")[light]
            rows += [{"file_name": f"{number}.png", "caption": text} for text in (f"a {word} one", f"it is {word}")]
        write_csv(folder / split / "metadata.csv", rows)
    return folder


def train(folder, output, **settings):
    return run_training({**SMALL, "dataset": str(folder), "output_dir": str(output), **settings})


@pytest.fixture(scope="module")
def run(images, tmp_path_factory):
    output = tmp_path_factory.mktemp("runs") / "lstm"
    train(images, output, model="lstm", config_overrides=RESNET)
    return output


def test_captioning_is_registered():
    assert get_task("captioning") is Captioning
    assert Captioning.auto_class is AutoModelForImageTextToText and Captioning.tokenizer_kind == "word"


def test_encode_uses_each_caption_in_training_and_each_image_in_evaluation(images):
    arguments = DataArguments(dataset=str(images), task="captioning", image_size=8, num_channels=1)
    assert find_modality(arguments).name == "image"
    data = Captioning.load(arguments)
    assert {name: len(split) for name, split in data.splits.items()} == SIZES
    task = Captioning.from_data(data, arguments, LossSettings())
    processor = task.make_processor(
        data, arguments, lambda texts, kind, add_cls: train_tokenizer(kind, texts, vocab_size=50, add_cls=add_cls)
    )
    splits = task.encode(data, processor, arguments).splits
    # One training example per caption; one test example per image, which is compared with all its captions.
    assert {name: len(split) for name, split in splits.items()} == {"train": 32, "validation": 4, "test": 5}
    assert splits["train"][0]["pixel_values"] == splits["train"][1]["pixel_values"]
    texts = task.texts_of([np.array(row) for row in splits["train"][:4]["labels"]])
    assert texts == ["a dark one", "it is dark", "a light one", "it is light"]
    assert task.references["test"][1] == ["a light one", "it is light"]
    end = processor.targets.sep_token_id
    written = [[*processor.targets(text, add_special_tokens=False)["input_ids"], end] for text in ("it is dark",) * 5]
    found = task.compute_generated_metrics(np.array(written), "test")
    assert found["bleu_1"] == pytest.approx(100 * 13 / 15)  # "it is" matches all five images, "dark" three


def test_evaluate_reproduces_metrics_of_training(run, images):
    record = RunRecord.load(run)
    assert record.data["metric"] == "bleu_4" and record.data["modality"] == "image"
    predictor = Predictor.load(str(run))
    found = predictor.evaluate()
    assert {"accuracy", "perplexity", "bleu_1"} <= found.keys()
    assert {name: record.metrics["test"][name] for name in found} == pytest.approx(found, rel=1e-4)
    # The saved folder contains the complete processor.
    assert isinstance(predictor.processor.inputs, ImageProcessor)
    assert len(AutoTokenizer.from_pretrained(run)) == predictor.model.config.vocab_size
    # Evaluation on another data set.
    assert predictor.evaluate(str(images / "validation"))["accuracy"] <= 1


def test_predict_reads_images_folders_and_tables(run, images, tmp_path, capsys):
    assert main(["predict", str(run), "--input", str(images / "test" / "0.png")]) == 0
    alone = capsys.readouterr().out
    assert alone.count("\n") == 1
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes((images / "test" / f"{number}.png").read_bytes())
    assert main(["predict", str(run), "--input", str(tmp_path), "--format", "csv"]) == 0
    header, first, second = csv.reader(capsys.readouterr().out.splitlines())
    assert header == ["input", "prediction"]
    assert first == [str(tmp_path / "0.png"), alone.strip()] and second[0].endswith("1.png")
    (tmp_path / "list.csv").write_text("image\n1.png\n")
    assert main(["predict", str(run), "--input", str(tmp_path / "list.csv"), "--format", "jsonl"]) == 0
    assert "1.png" in capsys.readouterr().out


def test_best_checkpoint_loads_with_renamed_weights(images, tmp_path):
    # transformers saves the weights of a ViT with the names of an earlier version.
    record = train(images, tmp_path / "vit", model="transformer", config_overrides=VIT, learning_rate=1e-3)
    assert record.model["architecture"] == "VisionEncoderDecoderModel"
    found = Predictor.load(str(tmp_path / "vit")).evaluate()
    assert {name: record.metrics["test"][name] for name in found} == pytest.approx(found, rel=1e-4)


def test_captioning_matches_encoder_decoder_of_images(run):
    config = Predictor.load(str(run)).model.config
    assert Captioning.matches(config) and not get_task("sequence_to_sequence").matches(config)


def test_captioning_rejects_models_and_modalities_without_images(images):
    arguments = DataArguments(dataset=str(images), task="captioning")
    task = Captioning.from_data(Captioning.load(arguments), arguments, LossSettings())
    with pytest.raises(HfseqError, match="model_type 'bart' does not read image; use hfseq_encoder_decoder"):
        scratch_config("bart", {}, arguments, task, task.placeholder_values())
    with pytest.raises(HfseqError, match="captioning reads video or image, not text"):
        Captioning.load(DataArguments(dataset=str(images), modality="text"))


def damaged(folder, **files):
    folder.mkdir()
    generator = np.random.default_rng(0)
    for number in range(12):
        Image.fromarray(generator.integers(0, 255, size=(8, 8), dtype=np.uint8)).save(folder / f"{number}.png")
    for name, content in files.items():
        (folder / f"{name}.png").write_bytes(content)
    return folder


def command(folder, capsys):
    code = main(["train", "--task", "captioning", "--dataset", str(folder), "--output_dir", str(folder / "run")])
    return code, capsys.readouterr().err


def test_train_reports_damaged_images_and_tables(images, tmp_path, capsys):
    whole = (images / "train" / "9.png").read_bytes()
    captions = "file_name,caption\n" + "".join(f"{number}.png,a b\n" for number in range(12))
    folder = damaged(tmp_path / "text", **{"7": b"not a picture"})
    (folder / "metadata.csv").write_text(captions)
    code, error = command(folder, capsys)
    assert code == 2 and "row 7: in column 'image'" in error and "7.png is not an image" in error
    folder = damaged(tmp_path / "cut", **{"7": whole[: len(whole) // 2]})
    (folder / "metadata.csv").write_text(captions)
    code, error = command(folder, capsys)
    assert code == 2 and "split 'train', row " in error and "7.png cannot be read as an image" in error
    (folder / "metadata.csv").write_text(captions + "99.png,a b\n")
    code, error = command(folder, capsys)
    assert code == 2 and "metadata.csv, row 12: column 'file_name' names 99.png" in error
    (folder / "metadata.csv").write_text(captions.replace("3.png,a b", "3.png,"))
    code, error = command(folder, capsys)
    assert code == 2 and "row 3: the caption of" in error
    (folder / "metadata.csv").write_text(captions.replace("caption", "sound"))
    code, error = command(folder, capsys)
    assert code == 2 and "no column looks like the target among 'image', 'sound'" in error
    assert not (folder / "run").exists()


def test_sequence_classification_rejects_images(images, tmp_path, capsys):
    for split in SIZES:
        text = (images / split / "metadata.csv").read_text().replace("caption", "label")
        (tmp_path / "labels" / split).mkdir(parents=True)
        (tmp_path / "labels" / split / "metadata.csv").write_text(text)
        for file in (images / split).glob("*.png"):
            (tmp_path / "labels" / split / file.name).symlink_to(file)
    code = main(["train", "--dataset", str(tmp_path / "labels"), "--output_dir", str(tmp_path / "run")])
    assert code == 2
    assert "sequence_classification does not read images, because they are not sequences" in capsys.readouterr().err
