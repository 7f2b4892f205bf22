"""A page as PDF: headless Chromium prints it, where there is one.

Nothing is fetched: the page holds all it needs. The same page gives the same bytes, but for the
numbers that Chromium gives to nodes.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from sopkit import whole

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LIMIT_SECONDS = 30
_FLAGS = (
    "--headless --disable-gpu --no-pdf-header-footer --no-first-run --disable-extensions "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
_NO_NETWORK = "--host-resolver-rules=MAP * ~NOTFOUND"
_SILENT = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)  # no pipe to wait for
_DATES = re.compile(rb"/(Creation|Mod)Date \(D:\d{14}")


def write_pdf(page: Path) -> str:
    """Print a page beside itself; why there is no PDF, in words, and empty where there is one.

    Parameters
    ----------
    page : Path
        An HTML page; its PDF takes its name, with the suffix ``.pdf``. One of an earlier run is
        removed first, so that none is there that shows another page.
    """
    target = page.with_suffix(".pdf")
    target.unlink(missing_ok=True)
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        return f"no {target.name}: no Chromium found ({', '.join(BROWSERS)})."
    folder = whole.scratch()
    try:
        made = folder / target.name
        command = [browser, *_FLAGS, _NO_NETWORK, f"--user-data-dir={folder}/profile"]
        command += ["--no-sandbox"] if _is_root() else []
        command += [f"--print-to-pdf={made}", page.resolve().as_uri()]
        try:
            done = subprocess.run(command, timeout=LIMIT_SECONDS, **_SILENT)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"no {target.name}: {_reason(error)}."
        if not made.is_file():
            return (
                f"no {target.name}: {browser} ended with code {done.returncode} and printed none."
            )
        # the day of printing is no part of the page: dates of all pages are alike
        whole.write_bytes(_DATES.sub(rb"/\1Date (D:20000101000000", made.read_bytes()), target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # Chromium may still write its profile
    return ""


def _is_root() -> bool:
    """Whether Chromium's sandbox cannot be had: it refuses to run as root with it."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"Chromium had not printed it after {LIMIT_SECONDS} seconds"
    return f"Chromium could not be started ({error})"
