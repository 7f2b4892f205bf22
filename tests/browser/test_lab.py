"""Each explorer in a real JupyterLab: opened, run, moved by keyboard, seen to answer."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow


def test_scenarios(lab):
    with lab.opened("explore_scenarios") as page:
        page.screenshot(path="/tmp/h5dev/scen.png")
        print(page.locator(".sopkit .note").first.text_content())
    with lab.opened("explore_overrides", dark=True) as page:
        page.screenshot(path="/tmp/h5dev/over.png")
        print(page.locator(".sopkit .note").first.text_content())
