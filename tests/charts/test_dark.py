"""Charts on dark screens: every colour has a counterpart that can be told from the ground."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sopkit.charts import _dark, _style

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_LIGHT, _WORDS, _MARKS, _RULES = "#ffffff", 4.5, 2.9, 1.2  # contrast of WCAG 2.2: words, marks
_ON_CELLS = 4.1  # the most that one ink for both grounds gives at every shade
_FAINT = {_style.LAST_YEAR, _style.EDGE}  # beside what is meant, never alone
SVG = '<svg><style type="text/css">*{}</style><path style="fill: #1f5fa8; stroke: #fdf5f5"/></svg>'


def _named() -> set[str]:
    """Every colour that the charts' style names, whatever holds it."""
    return set(_HEX.findall(repr({k: v for k, v in vars(_style).items() if k.isupper()})))


def _light(colour: str) -> float:
    return _style.luminance([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])


def _contrast(one: str, other: str) -> float:
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_colour_of_the_style_has_its_counterpart_chosen():
    named = _named() - set(_style.OTHERS_ON_DARK)
    assert len(named) >= 15
    assert named <= set(_dark.DARK), "add the dark counterpart to _dark.DARK"


@pytest.mark.parametrize("colour", sorted(_named() - {_style.RULE, *_style.OTHERS_ON_DARK}))
def test_a_counterpart_stands_out_from_the_dark_ground(colour):
    least = _MARKS if colour in _FAINT else _WORDS
    assert _contrast(_dark.DARK[colour], _dark.PAPER) >= least


def test_counterparts_differ_and_the_grid_stays_behind():
    marks = [_dark.DARK[colour] for colour in _named() - set(_style.OTHERS_ON_DARK)]
    assert len(set(marks)) == len(marks)
    assert _RULES < _contrast(_dark.DARK[_style.RULE], _dark.PAPER) < _MARKS


@pytest.mark.parametrize("shades", [_style.AMOUNTS, _style.REDS, _style.BOTH_WAYS])
def test_what_is_written_on_shaded_cells_can_be_read_on_light_and_on_dark(shades):
    for share in (k / 50 for k in range(51)):
        cell = "#" + "".join(f"{round(255 * part):02x}" for part in shades(share)[:3])
        ink = {"white": "#ffffff", "black": "#000000"}[_style.writing(shades, share)]
        assert _contrast(cell, ink) >= _ON_CELLS, (share, cell)
        assert _contrast(_dark.counterpart(cell), _dark.counterpart(ink)) >= _ON_CELLS, (
            share,
            cell,
        )


def test_the_ground_is_that_of_the_pages():
    sheet = Path(_dark.__file__).parents[1] / "pages/template/style.css"
    dark = sheet.read_text(encoding="utf-8").split("prefers-color-scheme: dark")[1]
    assert f"--paper: {_dark.PAPER};" in dark


def test_a_picture_names_each_colour_once_for_either_ground():
    made = _dark.both(SVG)
    light, dark = re.search(
        r"svg\{(.*?)\}@media \(prefers-color-scheme:dark\)\{svg\{(.*?)\}", made
    ).groups()
    assert "--0:#1f5fa8" in light and f"--0:{_dark.DARK['#1f5fa8']}" in dark
    assert 'style="fill: var(--0); stroke: var(--1)"' in made
    assert "background:#fff" in light and "background:none" in dark
    assert _dark.both(SVG) == made


def test_words_of_data_that_look_like_colours_stay_as_they_are():
    named = "<text style=\"font: 9px 'DejaVu Sans', 'Verdana', sans-serif\">fill: #1f5fa8</text>"
    made = _dark.both(SVG.replace("</svg>", named + "</svg>"))
    assert ">fill: #1f5fa8</text>" in made
    assert "font: 9px var(--f)" in made and made.count("'DejaVu Sans'") == 1
