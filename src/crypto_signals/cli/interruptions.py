"""Ctrl-C, wherever it falls; and a wish to stop that the kernel would drop."""

import os
import signal
import sys
from types import FrameType

AGAIN_S = 0.02
COMPILER = "llvmlite"


def hear_interruptions() -> None:
    """An interruption that falls into a callback of compiled code, where Python drops what is raised, comes
    again a moment later. The compiler's own are spared: it would go on with nothing in its hands."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _interrupt)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _interrupt)
        sys.unraisablehook = _dropped


def _interrupt(_number: int, frame: FrameType | None) -> None:
    while frame is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] == COMPILER:
            signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
            return
        frame = frame.f_back
    raise KeyboardInterrupt


def hear_termination() -> None:
    """To the first process of a container SIGTERM means nothing unless it listens: any other ends by it."""
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _dropped(what: "sys.UnraisableHookArgs") -> None:
    if isinstance(what.exc_value, KeyboardInterrupt | SystemExit):
        signal.setitimer(signal.ITIMER_REAL, AGAIN_S)
    else:
        sys.__unraisablehook__(what)


def is_interruption(error: SystemError) -> bool:
    """At the edge of compiled code, between its result and Python, it arrives as what it broke there."""
    return isinstance(error.__cause__ or error.__context__, KeyboardInterrupt)
