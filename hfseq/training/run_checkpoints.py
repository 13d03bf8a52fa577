"""The checkpoints of a run: finds complete ones, and deletes old ones."""

import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from transformers import Trainer, TrainerCallback
from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from hfseq.errors import HfseqError
from hfseq.training.manifest import Manifest, describe_files

logger = logging.getLogger(__name__)


class CheckpointKeeper:
    """Writes the manifests of the checkpoints of one run, finds them, and deletes old ones. Others are not touched.

    A checkpoint belongs to this run if the manifest of the run's folder names it, or if its own manifest names the
    run. It is complete if its files match its manifest, which is written last.

    Args:
        folder (`Path`): the run's folder.
        run (`str`): the fingerprint of the run's settings.
        limit (`int`, *optional*): number of checkpoints to keep, including the best one; `None` keeps all. During the
            run, the best and the newest checkpoint are always kept. After it, 1 keeps the best one and 0 none.
    """

    def __init__(self, folder: Path, run: str, limit: int | None):
        self.folder = folder
        self.run = run
        self.limit = limit

    def own(self) -> list[Path]:
        """The checkpoints of this run by step, complete or not."""
        return [path for path in find_checkpoints(self.folder) if self._is_own(path)]

    def newest_whole(self) -> tuple[Path | None, dict[Path, str]]:
        """The newest complete checkpoint, and newer damaged ones with their problems."""
        damaged: dict[Path, str] = {}
        for path in reversed(self.own()):
            problem = self._problem(path) or self._problem_of_best(path)
            if problem is None:
                return path, damaged
            damaged[path] = problem
        return None, damaged

    def discard(self, damaged: dict[Path, str]) -> None:
        """Deletes checkpoints that cannot be used, and says why."""
        for path, problem in damaged.items():
            logger.warning("%s is discarded: %s", path, problem)
            self.delete(path)

    def begin(self, path: Path) -> None:
        """Removes an incomplete checkpoint of this step, and records that the new one belongs to this run.

        Raises:
            HfseqError: a folder of this name exists that this run did not make.
        """
        if self._is_own(path):
            shutil.rmtree(path)  # left by an interruption
        elif path.is_symlink() or path.exists():
            raise _foreign(path)
        manifest = self._manifest()
        if path.name not in manifest.checkpoints:
            manifest.checkpoints.append(path.name)
            manifest.save(self.folder)

    def seal(self, path: Path) -> None:
        """Writes the manifest of a checkpoint after all its other files."""
        Manifest(self.run, describe_files(path)).save(path)

    def delete(self, path: Path) -> None:
        """Deletes a checkpoint of this run."""
        shutil.rmtree(path, ignore_errors=True)
        manifest = self._manifest()
        if path.name in manifest.checkpoints and not path.exists():
            manifest.checkpoints.remove(path.name)
            manifest.save(self.folder)

    def rotate(self, best: str | None, finished: bool = False) -> None:
        """Deletes the oldest checkpoints of this run beyond the limit.

        Args:
            best (`str`, *optional*): the best one.
            finished (`bool`, *optional*, defaults to `False`): whether the run is finished.
        """
        if self.limit is None:
            return
        own = self.own()
        kept = {path for path in own if best is not None and path.name == Path(best).name}
        if finished and self.limit == 0:
            kept = set()
        elif not finished or not kept:
            kept |= set(own[-1:])
        newest_first = [path for path in reversed(own) if path not in kept]
        for path in newest_first[max(self.limit - len(kept), 0) :]:
            self.delete(path)

    def check_room(self, last_step: int) -> None:
        """
        Raises:
            HfseqError: a folder that this run did not make has the name of one of its checkpoints.
        """
        for path in self.folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
            step = path.name.rpartition("-")[2]
            if step.isdecimal() and int(step) <= last_step and not self._is_own(path):
                raise _foreign(path)

    def _manifest(self) -> Manifest:
        manifest = Manifest.load(self.folder)
        return manifest if manifest is not None and manifest.run == self.run else Manifest(self.run)

    def _is_own(self, path: Path) -> bool:
        if path.is_symlink() or not path.is_dir():
            return False
        if path.name in self._manifest().checkpoints:
            return True
        manifest = Manifest.load(path)
        return manifest is not None and manifest.run == self.run

    def _problem(self, path: Path) -> str | None:
        manifest = Manifest.load(path)
        if manifest is None or not manifest.files:
            return "it was not written to its end"
        if not any(name.startswith("rng_state") for name in manifest.files):
            return "it holds the model alone (save_only_model), from which a training cannot go on"
        return manifest.problem(path)

    def _problem_of_best(self, path: Path) -> str | None:
        """The problem of the best checkpoint that a checkpoint refers to. It becomes the model at the end."""
        best = json.loads((path / TRAINER_STATE_NAME).read_text(encoding="utf-8")).get("best_model_checkpoint")
        if best is None or Path(best).name == path.name:
            return None
        problem = self._problem(self.folder / Path(best).name)
        return None if problem is None else f"the best checkpoint before it, {Path(best).name}, is damaged: {problem}"


@contextmanager
def kept_by(keeper: CheckpointKeeper | None, trainer: Trainer) -> Iterator[None]:
    """While it lasts, a keeper deletes the old checkpoints of a trainer.

    Trainer itself would delete every folder whose name begins like that of a checkpoint.

    Args:
        keeper (`CheckpointKeeper`, *optional*): the keeper; `None` leaves the checkpoints to Trainer.
        trainer (`transformers.Trainer`): the trainer.
    """
    if keeper is None:
        yield
        return
    trainer.add_callback(_CheckpointGuard(keeper))
    limit, trainer.args.save_total_limit = trainer.args.save_total_limit, None
    try:
        yield
    finally:
        trainer.args.save_total_limit = limit


@contextmanager
def sealed_checkpoint(keeper: CheckpointKeeper | None, trainer: Trainer) -> Iterator[None]:
    """While it lasts, a trainer writes a checkpoint. It gets its manifest at the end, or is deleted after an error.

    All processes of a training call it.

    Args:
        keeper (`CheckpointKeeper`, *optional*): the keeper; `None` does nothing.
        trainer (`transformers.Trainer`): the trainer.
    """
    if keeper is None:
        yield
        return
    path = keeper.folder / f"{PREFIX_CHECKPOINT_DIR}-{trainer.state.global_step}"
    main = trainer.is_world_process_zero()
    if main:
        keeper.begin(path)
    trainer.accelerator.wait_for_everyone()
    try:
        yield
    except BaseException:
        if main:
            keeper.delete(path)  # on a full disk, an incomplete checkpoint takes space
        raise
    trainer.accelerator.wait_for_everyone()
    if main:
        keeper.seal(path)
        keeper.rotate(trainer.state.best_model_checkpoint)


class _CheckpointGuard(TrainerCallback):
    def __init__(self, keeper: CheckpointKeeper):
        self.keeper = keeper

    def on_train_begin(self, args, state, control, **kwargs):
        self.keeper.check_room(state.max_steps)
        # The folder of the run may have been moved. Trainer would then continue without the best checkpoint.
        best = self.keeper.folder / f"{PREFIX_CHECKPOINT_DIR}-{state.best_global_step}"
        if state.best_global_step and best.is_dir():
            state.best_model_checkpoint = str(best)


def find_checkpoints(folder: Path) -> list[Path]:
    """The folders with names of checkpoints, by step, whoever made them."""
    found = [
        path
        for path in folder.glob(f"{PREFIX_CHECKPOINT_DIR}-*")
        if path.name.rpartition("-")[2].isdecimal() and path.is_dir() and not path.is_symlink()
    ]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def _foreign(path: Path) -> HfseqError:
    return HfseqError(
        f"{path} was not made by this run, which needs the name for a checkpoint of its own. Move it away, or give "
        "another --output_dir"
    )
