"""Energy of a training, from the counters of the machine: RAPL for processors, NVML for NVIDIA GPUs.

Nothing is estimated: without a counter that can be read, there is no figure.
"""

import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import torch

POWERCAP = Path("/sys/class/powercap")
# A counter of RAPL wraps around after some minutes at full load, so it is read more often.
_SAMPLE_SECONDS = 10.0


class EnergyCounter(ABC):
    """A counter of energy that only rises.

    Attributes:
        part (`str`): what it measures: `"processor"` or `"GPU"`.
    """

    part: str

    @abstractmethod
    def read(self) -> float:
        """Joules since some moment in the past.

        Raises:
            OSError: the counter cannot be read.
        """

    def between(self, before: float, now: float) -> float:
        """Joules between two readings."""
        return now - before


class RaplCounter(EnergyCounter):
    """A domain of RAPL: the package of a processor, or its memory. All programs of the machine are included.

    Args:
        folder (`Path`): the folder of the domain, such as `/sys/class/powercap/intel-rapl:0`.
    """

    part = "processor"

    def __init__(self, folder: Path):
        self._file = folder / "energy_uj"
        self._range = int((folder / "max_energy_range_uj").read_text()) / 1e6

    def read(self) -> float:
        return int(self._file.read_text()) / 1e6

    def between(self, before: float, now: float) -> float:
        return now - before if now >= before else now + self._range - before


class GpuCounter(EnergyCounter):
    """The GPU of this process, by NVML. It needs the package nvidia-ml-py.

    Args:
        device (`int`): number of the device for torch.

    Raises:
        OSError: NVML is not there, or the GPU has no counter.
        ImportError: nvidia-ml-py is not installed.
    """

    part = "GPU"

    def __init__(self, device: int):
        import pynvml

        self._nvml: Any = pynvml
        try:
            pynvml.nvmlInit()
            # The numbers of torch follow CUDA_VISIBLE_DEVICES, those of NVML do not.
            uuid = str(torch.cuda.get_device_properties(device).uuid)
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
        except pynvml.NVMLError as error:
            raise OSError(str(error)) from error
        self.read()

    def read(self) -> float:
        try:
            return self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1000
        except self._nvml.NVMLError as error:
            raise OSError(str(error)) from error


def find_counters() -> list[EnergyCounter]:
    """The counters of this machine that can be read. On Linux, those of processors often need the rights of root.

    Returns:
        `list[EnergyCounter]`: empty if a part of the machine that trains has no counter: the GPU, if there is one in
        use, otherwise the processor.
    """
    found: list[EnergyCounter] = []
    for folder in sorted(POWERCAP.glob("*-rapl:*")):
        try:
            name = (folder / "name").read_text().strip()
            # Other domains are parts of a package, or contain it.
            if name.startswith("package") or name == "dram":
                counter = RaplCounter(folder)
                counter.read()
                found.append(counter)
        except (OSError, ValueError):
            continue
    if not torch.cuda.is_initialized():
        return found
    try:
        return [*found, GpuCounter(torch.cuda.current_device())]
    except (OSError, ImportError):
        return []


class EnergyMeter:
    """Adds up the energy of the machine while it is on.

    Args:
        joules (`float`, *optional*, defaults to 0): energy until now. `None` if it is not known, and remains so.
    """

    def __init__(self, joules: float | None = 0.0):
        self._joules = joules
        self._counters: list[EnergyCounter] | None = None
        self._last: list[float] = []
        self._sampled = 0.0

    @property
    def joules(self) -> float | None:
        """Energy until the last reading in joules; `None` if the machine does not tell."""
        return self._joules if self._counters else None

    @property
    def parts(self) -> str:
        """The parts of the machine that are measured: `"processor"`, `"GPU"` or `"processor and GPU"`."""
        return " and ".join(dict.fromkeys(counter.part for counter in self._counters or ()))

    def start(self) -> None:
        """Switches the meter on."""
        if self._counters is None:
            self._counters = find_counters()
        self._read(add=False)

    def sample(self) -> None:
        """Reads the counters if the last time was some seconds ago."""
        if time.monotonic() - self._sampled > _SAMPLE_SECONDS:
            self._read(add=True)

    def stop(self) -> None:
        """Switches the meter off."""
        self._read(add=True)

    def _read(self, add: bool) -> None:
        counters = self._counters or []
        try:
            now = [counter.read() for counter in counters]
        except (OSError, ValueError):
            self._counters, self._joules = [], None
            return
        if add and self._joules is not None:
            readings = zip(counters, self._last, now, strict=True)
            self._joules += sum(counter.between(before, after) for counter, before, after in readings)
        self._last, self._sampled = now, time.monotonic()
