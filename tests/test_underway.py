"""A step's thread: what goes wrong in it is raised to who waits, and nobody waits for ever."""

from __future__ import annotations

import pytest

from sopkit.underway import Underway


@pytest.mark.parametrize("broken", ["start", "leave"])
def test_what_goes_wrong_beside_the_notebook_is_raised_to_who_waits(tmp_path, monkeypatch, broken):
    def fail(*_):
        raise OSError("no sockets left")

    for name in ("start", "stop", "leave"):
        monkeypatch.setattr(f"sopkit.kernels.{name}", fail if name == broken else lambda *_: None)
    own = Underway(tmp_path)
    own.begin(None)
    assert own.tables() is False
    with pytest.raises(OSError, match="no sockets left"):
        own.over()
    own.call_off()  # it is over: there is nothing to end
