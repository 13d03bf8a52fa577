import pytest

from hfseq.training import energy
from hfseq.training.callbacks import TrainingClock
from hfseq.training.energy import EnergyMeter, find_counters


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    """A machine with one processor. Returns a function that sets a counter to a number of joules."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)

    def count(domain, name, joules):
        folder = tmp_path / domain
        folder.mkdir(exist_ok=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "energy_uj").write_text(f"{joules * 1_000_000:.0f}\n")
        (folder / "max_energy_range_uj").write_text("1000000000\n")

    (tmp_path / "intel-rapl").mkdir()  # the driver, not a domain
    count("intel-rapl:0", "package-0", 100)
    return count


def test_energy_of_packages_and_memory_is_added(powercap):
    powercap("intel-rapl:0:0", "core", 50)  # part of the package
    powercap("intel-rapl:0:1", "dram", 20)
    powercap("intel-rapl:1", "psys", 300)  # contains the package
    meter = EnergyMeter()
    meter.start()
    powercap("intel-rapl:0", "package-0", 130)
    powercap("intel-rapl:0:0", "core", 70)
    powercap("intel-rapl:0:1", "dram", 25)
    meter.stop()
    powercap("intel-rapl:0", "package-0", 500)  # the meter is off
    meter.start()
    meter.stop()
    assert meter.joules == pytest.approx(35) and meter.parts == "processor"


def test_a_counter_that_wraps_around(powercap):
    powercap("intel-rapl:0", "package-0", 990)
    meter = EnergyMeter(7.0)
    meter.start()
    powercap("intel-rapl:0", "package-0", 15)
    meter.stop()
    assert meter.joules == pytest.approx(7 + 25)


def test_counters_are_read_during_long_steps(powercap, monkeypatch):
    seconds = [0.0]
    monkeypatch.setattr(energy.time, "monotonic", lambda: seconds[0])
    meter = EnergyMeter()
    meter.start()
    total = 100
    for _ in range(4):  # the counter wraps around twice
        seconds[0] += 11
        total += 600
        powercap("intel-rapl:0", "package-0", total % 1000)
        meter.sample()
    assert meter.joules == pytest.approx(2400)


def test_a_machine_without_counters_has_no_figure(tmp_path, monkeypatch, powercap):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path / "nothing")
    assert find_counters() == []
    meter = EnergyMeter()
    meter.start()
    meter.stop()
    assert meter.joules is None and meter.parts == ""


def test_a_counter_that_can_no_longer_be_read_gives_no_figure(powercap, tmp_path):
    meter = EnergyMeter()
    meter.start()
    (tmp_path / "intel-rapl:0" / "energy_uj").unlink()
    meter.stop()
    meter.start()
    meter.stop()
    assert meter.joules is None


def test_a_gpu_without_a_counter_leaves_no_figure(powercap, monkeypatch):
    monkeypatch.setattr(energy.torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(energy.torch.cuda, "current_device", lambda: 0)

    def fails(device):
        raise OSError("no counter")

    monkeypatch.setattr(energy, "GpuCounter", fails)
    assert find_counters() == []


def test_a_resumed_training_adds_to_the_energy_of_its_checkpoint(powercap):
    clock = TrainingClock()
    clock.on_epoch_begin(None, None, None)
    powercap("intel-rapl:0", "package-0", 110)
    clock.on_epoch_end(None, None, None)
    state = clock.state()["args"]
    assert state["joules"] == pytest.approx(10) and state["seconds"] > 0
    resumed = TrainingClock(**state)
    resumed.on_epoch_begin(None, None, None)
    powercap("intel-rapl:0", "package-0", 115)
    resumed.on_epoch_end(None, None, None)
    assert resumed.energy.joules == pytest.approx(15)
    # The first part of the training was on a machine without counters.
    unknown = TrainingClock(seconds=5.0, joules=None)
    unknown.on_epoch_begin(None, None, None)
    unknown.on_epoch_end(None, None, None)
    assert unknown.energy.joules is None
