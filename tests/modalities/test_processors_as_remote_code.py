"""A saved processor loads with and without hfseq, and gives the same inputs there."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import transformers
from small import WITHOUT_HFSEQ
from transformers import AutoFeatureExtractor, dynamic_module_utils

import hfseq
from hfseq.modalities.audio.feature_extraction_log_mel import LogMelFeatureExtractor
from hfseq.modalities.dna.tokenization_dna import DNATokenizer
from hfseq.modalities.image.caption_processor import CaptionProcessor
from hfseq.modalities.image.image_processing import ImageProcessor
from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor
from hfseq.modalities.video.feature_extraction_video import VideoFeatureExtractor

SERIES = [[[0.1, None], [2.0, -7.0]], [[4.0, 5.0]]]
WAVEFORM = np.random.default_rng(0).normal(0, 0.1, 3000).tolist()
IMAGE = np.arange(63).reshape(7, 9).tolist()

# Auto class, processor, example inputs.
PROCESSORS = {
    "audio": (
        "AutoFeatureExtractor",
        LogMelFeatureExtractor(8000, num_mel_bins=6, frame_stack=2, normalize="global").fit([WAVEFORM], 8000),
        {"array": WAVEFORM, "sampling_rate": 11025},
    ),
    "dna": ("AutoTokenizer", DNATokenizer(k=3, stride=2, add_cls_sep=True, model_max_length=64), ["ACGTNACG", "ttga"]),
    "image": ("AutoImageProcessor", ImageProcessor(size=(4, 5), num_channels=1), IMAGE),
    "series": (
        "AutoFeatureExtractor",
        SeriesFeatureExtractor.fit(SERIES, missing="last", add_missing_mask=True, padding_side="left"),
        SERIES,
    ),
    "video": ("AutoFeatureExtractor", VideoFeatureExtractor(size=4, frame_stride=2), [IMAGE, IMAGE, IMAGE]),
}
EXTRACTOR_FILES = {"feature_extraction_base.py", "remote_code.py"}
FILES = {
    "audio": EXTRACTOR_FILES
    | {"feature_extraction_log_mel.py", "limits.py", "mel_energies.py", "resampling.py", "waveforms.py"},
    "dna": {"remote_code.py", "tokenization_dna.py"},
    "image": {"image_processing.py", "limits.py", "pixels.py", "remote_code.py"},
    "series": EXTRACTOR_FILES | {"channel_values.py", "feature_extraction_series.py"},
    "video": EXTRACTOR_FILES
    | {"feature_extraction_video.py", "limits.py", "natural_order.py", "pixels.py", "video_frames.py"},
}
# Two processors of one model lie in one folder.
FOLDERS = {**{name: [name] for name in PROCESSORS}, "series and dna": ["series", "dna"], "pair": ["image", "dna"]}

LOAD = (
    WITHOUT_HFSEQ
    + """
import json
import transformers

work = sys.argv[1]
outputs = {}
for folder, processors in json.load(open(work + "/inputs.json")).items():
    for place in (work + "/" + folder, work + "/again/" + folder):
        for auto_class, inputs in processors:
            processor = getattr(transformers, auto_class).from_pretrained(place, trust_remote_code=True)
            assert type(processor).__module__.startswith("transformers_modules"), type(processor)
            values = processor(inputs)
            outputs.setdefault(place, []).append({name: [list(map(float, row.flatten())) if hasattr(row, "flatten")
                                                  else row for row in rows] for name, rows in values.items()})
            processor.save_pretrained(work + "/again/" + folder)
json.dump(outputs, open(work + "/outputs.json", "w"))
"""
)


def flattened(values):
    return {
        name: [row.flatten().tolist() if hasattr(row, "flatten") else row for row in rows]
        for name, rows in values.items()
    }


def code(folder):
    return {path.name for path in folder.glob("*.py")}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A folder that holds the folders of saved processors."""
    work = tmp_path_factory.mktemp("processors")
    inputs = {}
    for folder, names in FOLDERS.items():
        inputs[folder] = [(PROCESSORS[name][0], PROCESSORS[name][2]) for name in names]
        for name in names:
            PROCESSORS[name][1].save_pretrained(work / folder)
    (work / "inputs.json").write_text(json.dumps(inputs))
    return work


@pytest.mark.parametrize("folder", FOLDERS)
def test_saved_folder_holds_exactly_the_code_that_its_processors_need(saved, folder):
    assert code(saved / folder) == set().union(*(FILES[name] for name in FOLDERS[folder]))
    for path in (saved / folder).glob("*.py"):
        assert "hfseq" not in dynamic_module_utils.get_imports(path)
        for needed in dynamic_module_utils.get_relative_import_files(path):
            assert Path(needed).is_file(), f"{path.name} imports {needed}"


def test_files_saved_with_processors_have_unique_names():
    package = Path(hfseq.__file__).parent
    for name in set().union(*FILES.values()):
        assert len(list(package.rglob(name))) == 1, name


@pytest.mark.parametrize("name", PROCESSORS)
def test_processor_loads_with_hfseq(saved, name):
    auto_class, processor, inputs = PROCESSORS[name]
    loaded = getattr(transformers, auto_class).from_pretrained(saved / name)
    assert type(loaded) is type(processor)
    assert flattened(loaded(inputs)) == flattened(processor(inputs))


def test_processors_load_and_save_without_hfseq(saved, process_environment):
    process_environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-I", "-c", LOAD, str(saved)],
        env=process_environment, cwd=saved, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    outputs = json.loads((saved / "outputs.json").read_text())
    for folder, names in FOLDERS.items():
        expected = [flattened(PROCESSORS[name][1](PROCESSORS[name][2])) for name in names]
        assert outputs[str(saved / folder)] == expected
        assert outputs[str(saved / "again" / folder)] == expected
        assert code(saved / "again" / folder) == code(saved / folder)


def test_caption_processor_saves_the_code_of_its_image_processor(tmp_path):
    CaptionProcessor(PROCESSORS["image"][1], PROCESSORS["dna"][1]).save_pretrained(tmp_path)
    assert code(tmp_path) == FILES["image"] | FILES["dna"]
    for path in tmp_path.glob("*.py"):
        assert "hfseq" not in dynamic_module_utils.get_imports(path)


def test_folder_saved_by_an_older_version_loads_by_class_name(tmp_path):
    processor = PROCESSORS["series"][1]
    processor.save_pretrained(tmp_path)
    for path in tmp_path.glob("*.py"):
        path.unlink()
    settings = json.loads((tmp_path / "preprocessor_config.json").read_text())
    settings["auto_map"] = {"AutoFeatureExtractor": "series.SeriesFeatureExtractor"}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    for options in ({}, {"trust_remote_code": True}):
        loaded = AutoFeatureExtractor.from_pretrained(tmp_path, **options)
        assert type(loaded) is SeriesFeatureExtractor
        assert flattened(loaded(SERIES)) == flattened(processor(SERIES))


def test_subclass_outside_hfseq_saves_and_loads(tmp_path, monkeypatch):
    (tmp_path / "own_extractor.py").write_text(
        "from hfseq.modalities.series.feature_extraction_series import SeriesFeatureExtractor\n\n\n"
        "class DoubledExtractor(SeriesFeatureExtractor):\n"
        "    def _extract(self, series, where):\n"
        "        return 2 * super()._extract(series, where)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    from own_extractor import DoubledExtractor

    DoubledExtractor(normalize=None).save_pretrained(tmp_path / "saved")
    loaded = AutoFeatureExtractor.from_pretrained(tmp_path / "saved", trust_remote_code=True)
    loaded.save_pretrained(tmp_path / "again")
    assert code(tmp_path / "saved") == code(tmp_path / "again") == {"own_extractor.py"}
    again = AutoFeatureExtractor.from_pretrained(tmp_path / "again", trust_remote_code=True)
    assert type(again).__module__.startswith("transformers_modules") and isinstance(again, SeriesFeatureExtractor)
    assert again([1.0, 2.0])["input_features"][0].tolist() == [[2.0], [4.0]]


def test_save_pretrained_pushes_after_the_code_is_complete(tmp_path, monkeypatch):
    pushed = {}
    monkeypatch.setattr(
        SeriesFeatureExtractor,
        "push_to_hub",
        lambda self, repo_id, **options: pushed.update({repo_id: (code(tmp_path / "name"), options)}),
    )
    for options, repo_id in (({"repo_id": "me/series", "private": True}, "me/series"), ({}, "name")):
        PROCESSORS["series"][1].save_pretrained(tmp_path / "name", push_to_hub=True, **options)
        assert pushed[repo_id] == (FILES["series"], {"private": True} if options else {})
