"""Runs of a comparison that are not executed, for tests of what is planned."""

from hfseq.training.manifest import Manifest, describe_files
from hfseq.training.record import RunRecord, fingerprint_settings


class Stub:
    """Executes no run: the validation accuracy is a function of its settings. May be interrupted after some runs."""

    def __init__(self, interrupted_after=None, fails=lambda run: False):
        self.runs, self._left, self._fails = [], interrupted_after, fails

    def __call__(self, runs):
        return [self._result(run) for run in runs]

    def _result(self, run):
        if run.finished is not None:
            return run.result(run.finished, None)
        if self._left is not None and self._left <= 0:
            raise KeyboardInterrupt
        self._left = None if self._left is None else self._left - 1
        self.runs.append(run)
        if self._fails(run):
            return run.result(None, "out of memory")
        rate = run.arguments.training.learning_rate
        accuracy = 0.9 - abs(rate - 0.003) * 10 - 0.01 * (run.arguments.training.per_device_train_batch_size == 32)
        metrics = {"validation": {"accuracy": accuracy}}
        if run.arguments.training.evaluate_test:
            metrics["test"] = {"accuracy": accuracy - 0.1}
        settings = run.arguments.settings
        record = RunRecord(
            run.name, "sequence_classification", run.seed, settings, fingerprint_settings(settings), "finished",
            metrics=metrics, data={"metric": "accuracy"}, costs={"train_seconds": 7.0},
        )  # fmt: skip
        run.folder.mkdir(parents=True, exist_ok=True)
        (run.folder / "model.safetensors").write_bytes(b"weights")
        Manifest("0", describe_files(run.folder)).save(run.folder)
        record.save(run.folder)
        return run.result(record, None)
