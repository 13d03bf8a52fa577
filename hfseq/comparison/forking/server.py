"""The fork server: a process that imports modules once, and then starts copies of itself on request.

Started as `python -P -m hfseq.comparison.forking.server CHANNEL MODULE ...`, with the file descriptor of a Unix
socket. A request names a module and its arguments; a copy of the process runs it, as `python -m MODULE ARGUMENT ...`
does. The server itself only imports: it has no thread, computes nothing and uses no GPU, so that its copies are like
processes that have just started. It ends when the channel is closed, also because the other side has ended.
"""

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from hfseq.comparison.forking.residency import make_resident, resident_file_pages
from hfseq.training.launched import adopt

# Size of the largest request. A longer one is not sent.
MESSAGE_BYTES = 100_000
_STREAMS = 3


def main(argv: Sequence[str]) -> None:
    """Serves requests. Of a copy, it returns only when the requested module has ended.

    Args:
        argv (`Sequence[str]`): number of the file descriptor, and the modules that are imported.
    """
    channel = socket.socket(fileno=int(argv[0]))
    for module in argv[1:]:
        importlib.import_module(module)
    pages = resident_file_pages()
    gc.collect()
    gc.freeze()  # a collection in a copy does not touch, and so does not duplicate, the memory of the modules
    request = _serve(channel)
    if request is not None:
        make_resident(pages)
        module, *sys.argv[1:] = request["words"]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _serve(channel: socket.socket) -> dict[str, Any] | None:
    """Starts a copy for each request, and tells when one has ended.

    Returns:
        `dict`: in a copy: the request. `None` in the server, after the channel was closed.
    """
    wake, on_signal = os.pipe()
    os.set_blocking(wake, False)
    os.set_blocking(on_signal, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)  # with a handler, the signal is written to the pipe
    signal.set_wakeup_fd(on_signal)
    while True:
        ready, _, _ = select.select([channel.fileno(), wake], [], [])
        if wake in ready:
            with suppress(BlockingIOError):
                os.read(wake, 4096)
            _tell_endings(channel)
        if channel.fileno() in ready:
            message, streams, _, _ = socket.recv_fds(channel, MESSAGE_BYTES, _STREAMS)
            if not message:
                return None
            pid = os.fork()
            if not pid:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for descriptor in (wake, on_signal):
                    os.close(descriptor)
                channel.close()
                return _become(json.loads(message), streams)
            for stream in streams:
                os.close(stream)
            _send(channel, {"started": pid})


def _become(request: dict[str, Any], streams: Sequence[int]) -> dict[str, Any]:
    """Makes this copy a process of its own, with its own session, streams, directory and environment."""
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["directory"])
    os.environ.update(request["environment"])
    adopt()
    return request


def _tell_endings(channel: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not pid:
            return
        _send(channel, {"ended": pid, "status": os.waitstatus_to_exitcode(status)})


def _send(channel: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):  # the other side has ended: the next read says so
        channel.send(json.dumps(message).encode())


if __name__ == "__main__":
    main(sys.argv[1:])
