"""Termination signals interrupt a process."""

import os
import signal

import pytest

from hfseq.signals import Interruption, stop_on_signals


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="only on systems with POSIX signals")
def test_signal_is_known_even_if_a_library_replaces_the_exception():
    with pytest.raises(Interruption) as caught, stop_on_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            signal.pause()
        except KeyboardInterrupt:
            raise KeyboardInterrupt from None  # as Ray does
    assert caught.value.signal_number == signal.SIGTERM


def test_interruption_without_a_signal_stays_as_it_is():
    with pytest.raises(KeyboardInterrupt) as caught, stop_on_signals():
        raise KeyboardInterrupt
    assert type(caught.value) is KeyboardInterrupt
