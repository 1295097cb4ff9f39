"""`python -m engine`."""

import atexit
import gc
import os
import sys
from contextlib import suppress

from engine.cli import main

EXIT_CODES: list[int] = []


def _leave() -> None:
    """End at once, after all other handlers: taking every object apart would be half a second's work."""
    if EXIT_CODES:
        for stream in sys.stdout, sys.stderr:
            with suppress(BrokenPipeError):
                stream.flush()
        os._exit(EXIT_CODES[0])


if __name__ == "__main__":
    atexit.register(_leave)
    # Computing takes one BLAS thread (`engine.pipeline`); others would spin for a tenth of a second first.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # A run makes few cycles; looking for them every 700 objects takes a twentieth of it.
    gc.set_threshold(100_000)
    EXIT_CODES.append(main())
