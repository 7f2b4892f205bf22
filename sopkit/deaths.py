"""How a kernel died, in words: killed, crashed, out of memory."""

from __future__ import annotations

import signal
from pathlib import Path

_GROUPS, _MACHINE = Path("/sys/fs/cgroup"), Path("/proc/vmstat")
_OWN_GROUP = Path("/proc/self/cgroup")


def memory_kills() -> int | None:
    """Processes that Linux has killed for want of memory, in our group or else on this machine.

    None where nobody counts them.
    """
    try:
        own = _OWN_GROUP.read_text(encoding="utf-8").rpartition("::/")[2].strip()
        text = (_GROUPS / own / "memory.events").read_text(encoding="utf-8")
    except OSError:  # no such group, or another system
        text = _MACHINE.read_text(encoding="utf-8") if _MACHINE.is_file() else ""
    counts = dict(line.split() for line in text.splitlines())
    return int(counts["oom_kill"]) if "oom_kill" in counts else None


def told(
    code: int | None, peak_bytes: int = 0, kills: tuple[int | None, int | None] = (0, 0)
) -> str:
    """How a process ended.

    Parameters
    ----------
    code : int, optional
        As ``subprocess`` says it: below zero a signal; None where it is not known.
    peak_bytes : int
        The most memory it held; 0 where it is not known.
    kills : tuple
        ``memory_kills`` before it and after it.

    Examples
    --------
    >>> told(-9, 3 * 2**30, (4, 5))
    'its kernel was killed (SIGKILL): the machine had run out of memory; it held 3.0 GB at most'
    >>> told(-11)
    'its kernel crashed (SIGSEGV)'
    >>> told(1)
    'its kernel ended with code 1'
    """
    held = f"; it held {peak_bytes / 2**30:.1f} GB at most" if peak_bytes else ""
    if code is None:
        return f"its kernel died, and nobody saw how{held}"
    if code >= 0:
        return f"its kernel ended with code {code}{held}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    verb = "was killed" if name in ("SIGKILL", "SIGTERM") else "crashed"
    return f"its kernel {verb} ({name}){_why(name, kills)}{held}"


def _why(name: str, kills: tuple[int | None, int | None]) -> str:
    if name != "SIGKILL":
        return ""
    if None in kills:
        return ", as Linux does where memory runs out"
    return ": the machine had run out of memory" if kills[1] > kills[0] else ", not for memory"


def remedy(code: int | None) -> str:
    """What to do about it."""
    if code == -signal.SIGKILL:
        return (
            "Close other programs or give the machine more memory, and see what killed it in the "
            "system's log (journalctl -k)."
        )
    return "Run it once more; if it dies again, run the notebook by hand up to that cell."
