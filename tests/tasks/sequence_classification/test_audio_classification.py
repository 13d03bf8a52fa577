import numpy as np
import soundfile

from hfseq import run_training
from hfseq.inference.predictor import Predictor

RATE = 4000


def test_train_on_audio_in_one_folder_per_class(tmp_path):
    time = np.arange(RATE // 8) / RATE
    for number in range(12):
        for name, pitch in (("low", 300 + 20 * number), ("high", 1200 + 40 * number)):
            path = tmp_path / "data" / name / f"{number}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, 0.5 * np.sin(2 * np.pi * pitch * time), RATE)
    record = run_training(
        {
            "dataset": str(tmp_path / "data"),
            "model": "gru",
            "config_overrides": "hidden_size=8",
            "num_mel_bins": 8,
            "spec_augment": True,
            "num_train_epochs": 10,
            "per_device_train_batch_size": 4,
            "learning_rate": 0.02,
            "validation_fraction": 0.25,
            "test_fraction": 0.25,
            "output_dir": str(tmp_path / "run"),
            "use_cpu": True,
            "disable_tqdm": True,
        }
    )
    assert record.data["modality"] == "audio" and record.data["labels"] == ["high", "low"]
    assert record.metrics["test"]["accuracy"] == 1.0
    predictor = Predictor.load(str(tmp_path / "run"))
    assert predictor.evaluate()["accuracy"] == 1.0
    (found,) = predictor([{"array": 0.5 * np.sin(2 * np.pi * 350 * time), "sampling_rate": RATE}])
    assert found.labels == ["low"]
