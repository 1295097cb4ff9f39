"""Entry point of the command line: `engine` and `python -m engine`."""

import atexit
import gc
import io
import os
import sys
from contextlib import suppress

from engine.cli.commands import COMPUTING
from engine.cli.main import main
from engine.cli.printing import open_closed_streams

EXIT_CODES: list[int] = []


def _leave() -> None:
    """Exit without interpreter teardown (0.5 s after a large run), after all other exit handlers."""
    if EXIT_CODES:
        for stream in sys.stdout, sys.stderr:
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(EXIT_CODES[0])


def run() -> int:
    """Run the command line as a process of its own: console script `engine` and `python -m engine`.

    Returns:
        The exit code: see `engine.cli.main.main`.
    """
    open_closed_streams()
    atexit.register(_leave)
    # A path may hold bytes that are no text: they are printed as they are.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")
    # Computing uses one BLAS thread (`engine.pipeline.compute`); the others would spin for 0.1 s at start.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # Polars reads it when it is imported, by the command.
    if sys.argv[1:] and sys.argv[1] in COMPUTING:
        os.environ.setdefault("POLARS_MAX_THREADS", "1")
    # A run makes few cycles. To look for them every 700 objects takes a twentieth of its time; to look once,
    # among all objects that imports leave, takes 0.03 s.
    gc.set_threshold(1_000_000)
    EXIT_CODES.append(main(own_process=True))
    return EXIT_CODES[0]


if __name__ == "__main__":
    run()
