"""Files whole or not at all: written beside their place, then renamed into it.

What is being written has a name that begins with a dot and holds a mark of this machine and
process, so that two processes never write into one another's file, and what a killed one left can
be told from what another is at.
"""

from __future__ import annotations

import contextlib
import os
import platform
import re
import shutil
import sys
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

_MARK = re.compile(r"([0-9a-f]{8})-(\d+)-")
_SCRATCH = "sopkit-"
_LONGEST = 100  # of a name, beside which the mark stands: file systems allow 255


def mark() -> str:
    """A part of a name that tells this machine and process from others."""
    return f"{zlib.crc32(platform.node().encode()):08x}-{os.getpid()}-"


def is_left(path: Path) -> bool:
    """Whether a process of this machine left it, and is no more.

    Of another machine's, and on Windows, nobody can tell, so those stay.
    """
    found = _MARK.search(path.name)
    if not found or sys.platform == "win32" or found[1] != mark()[:8]:
        return False
    try:
        os.kill(int(found[2]), 0)
        state = Path(f"/proc/{found[2]}/stat").read_text(encoding="utf-8", errors="replace")
        return state.rpartition(")")[2].split()[0] == "Z"  # ended, but nobody asked how
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # another user's, or a system without /proc: it may live
        return False


def sweep(folders: Iterable[Path]) -> None:
    """Remove what killed processes left half-written in these folders, and their scratch."""
    for folder in folders:
        for part in folder.glob(".*.part"):
            if is_left(part):
                part.unlink(missing_ok=True)
    for folder in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*"):
        if is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def is_scratch(folder: Path) -> bool:
    """Whether ``scratch`` made a folder, here or in another process."""
    return folder.name.startswith(_SCRATCH) and bool(_MARK.search(folder.name))


def scratch() -> Path:
    """A new folder for what is of no use after this process; its name is short, for sockets."""
    return Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{mark()}"))


def _part(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    own = f"{mark()}{threading.get_native_id()}"
    return path.with_name(f".{path.name[:_LONGEST]}.{own}.part")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """The file to write: it takes the place of ``path`` if the block ends well, else it goes."""
    part = _part(path)
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(text: str, path: Path) -> None:
    """Write a text whole or not at all, in the place of an earlier one; lines end alike anywhere.

    It is not forced to the disk: what a power failure spoils is made anew (``flush``).
    """
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_bytes(content: bytes, path: Path) -> None:
    """As ``write_text``, for what is no text."""
    with replacing(path) as part:
        part.write_bytes(content)


def write_once(text: str, path: Path) -> bool:
    """Write a file whole or not at all, over no other; whether it was not there before.

    It is on the disk when this returns: what people enter exists nowhere else.
    """
    part = _part(path)
    sweep([path.parent])
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        flush([part])
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink(missing_ok=True)
    flush([path.parent])
    return True


def flush(paths: Iterable[Path]) -> None:
    """Force files, and names in folders, to the disk: what is renamed then is whole."""
    for path in paths:
        if sys.platform == "win32" and path.is_dir():
            continue  # a folder cannot be opened there
        handle = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def flush_tree(folder: Path) -> None:
    """Force a folder with all it holds to the disk."""
    flush([*folder.rglob("*"), folder])
