"""A real browser, and a JupyterLab of its own that it drives, both on this machine only."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, sync_playwright

REPOSITORY = Path(__file__).resolve().parent.parent.parent
CYCLE = "2026-01"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
_START_SECONDS = 90
_RUN_MILLISECONDS = 120_000  # that a notebook may take on a busy machine


@pytest.fixture(scope="module")
def browser(needs) -> Browser:
    """Debian's Chromium; under CI a missing one fails."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=str(needs("chromium")), args=FLAGS)
        yield made
        made.close()


@dataclass
class Lab:
    """A JupyterLab on a workspace, and the window that looks at it."""

    window: BrowserContext
    workspace: Path
    address: str
    token: str

    @contextmanager
    def opened(self, notebook: str):
        """A notebook opened and run from the menu, as a page; its kernel ends with the block."""
        page = self.window.new_page()
        try:
            where = f"lab/workspaces/{notebook}/tree/notebooks/{notebook}.ipynb"
            page.goto(f"{self.address}/{where}?token={self.token}&reset")
            _run_all(page)
            yield page
        finally:
            page.close(run_before_unload=False)
            self._end_kernels()

    def _ask(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(f"{self.address}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def _end_kernels(self) -> None:
        for session in json.loads(self._ask("GET", "sessions")):
            self._ask("DELETE", f"sessions/{session['id']}")


def _run_all(page: Page) -> None:
    """Run every cell from the menu, and wait until the explorer's controls are there."""
    page.get_by_text("| Idle").first.wait_for()  # the kernel is there, not only its name
    page.get_by_role("menuitem", name="Run", exact=True).first.click()
    page.locator(".lm-Menu-itemLabel").get_by_text("Run All Cells", exact=True).click()
    shown = page.locator(".jp-OutputArea .sopkit").first
    kernel = page.get_by_role("dialog").get_by_role("button", name="Select", exact=True)
    shown.or_(kernel).first.wait_for()
    if kernel.is_visible():  # on a slow machine JupyterLab may ask before it knows
        kernel.click()
        shown.wait_for()


@pytest.fixture(scope="module")
def lab(browser, sample_workspace, tmp_path_factory) -> Lab:
    """JupyterLab on a copy of the sample company that was run, with the notebooks beside it.

    Loopback, a token, a free port, no settings of the person who runs the tests.
    """
    root = tmp_path_factory.mktemp("lab")
    workspace = root / "workspace"
    shutil.copytree(sample_workspace, workspace)
    (workspace / "notebooks").mkdir(exist_ok=True)
    for notebook in (REPOSITORY / "notebooks").glob("explore_*.ipynb"):
        shutil.copy(notebook, workspace / "notebooks")
    news = root / "user/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}')
    port, token = _free_port(), secrets.token_hex(16)
    with (root / "lab.log").open("w") as log:
        server = subprocess.Popen(_command(workspace, port, token), **_quiet(root, log))
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server, root / "lab.log")
        window = _window(browser, address)
        yield Lab(window, workspace, address, token)
        window.close()
    finally:
        _end(server)


def _window(browser: Browser, address: str) -> BrowserContext:
    """One for all notebooks, so that JupyterLab is fetched once; it asks no other machine."""

    def keep_inside(route: Route) -> None:
        inside = route.request.url.startswith((address, "data:", "blob:"))
        route.continue_() if inside else route.abort()

    window = browser.new_context(viewport={"width": 1500, "height": 1000})
    window.route("**/*", keep_inside)
    window.set_default_timeout(_RUN_MILLISECONDS)
    return window


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _command(workspace: Path, port: int, token: str) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": workspace,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "IdentityProvider.token": token,
        "LabApp.extension_manager": "readonly",
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
    }
    named = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", *named]


def _quiet(root: Path, log: IO[str]) -> dict:
    """Settings, runtime files and log of the server in a folder that goes with the tests."""
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    own = {name: str(root / name.lower()) for name in folders}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(root / "user"), "PYTHONPATH": str(REPOSITORY)}
    own |= {"JUPYTERLAB_WORKSPACES_DIR": str(root / "desks"), "OPENBLAS_NUM_THREADS": "1"}
    own |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return {"env": os.environ | own, "stdout": log, "stderr": log, "start_new_session": True}


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(_START_SECONDS * 5):
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{address}/api", timeout=5).close()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}", pytrace=False)


def _end(server: subprocess.Popen) -> None:
    """The server and its kernels end, whatever state they are in."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, kind)
            server.wait(timeout=15)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue
