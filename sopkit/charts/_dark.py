"""Pictures for dark screens: each colour of a chart gets a counterpart, chosen by the reader.

A picture asks the page around it (``color-scheme``) whether it stands on light or on dark, so one
file serves both, without a script. On paper it is light.
"""

from __future__ import annotations

import colorsys
import re

from sopkit.charts import _style

PAPER = "#14191f"  # of the pages' style sheet
DARK = {  # light: dark
    "#ffffff": PAPER,
    "#000000": "#ffffff",
    _style.INK: "#dfe5eb",
    _style.HISTORY: "#98a2ad",
    _style.DEMAND: "#74b3f7",
    _style.STATISTICAL: "#4f86bd",
    _style.SUPPLY: "#f0932b",
    _style.OVERTIME: "#cf6d1f",
    _style.BUDGET: "#f3f6f9",
    _style.SHORTAGE: "#ee706b",
    _style.SURPLUS: "#3fbfae",
    _style.LAST_YEAR: "#66717c",
    _style.EDGE: "#6b7580",
    _style.RULE: "#2b333c",
    _style.STATISTICAL_WORDS: "#79acdf",
    **dict(zip(_style.OTHERS, _style.OTHERS_ON_DARK, strict=True)),
}
_LIGHTEST, _CALM = 0.9, 0.7  # most lightness of a shade, share of its colour that it keeps
_HALVINGS = 12  # of the range in which its lightness is looked for
_COLOURED = re.compile(r"(fill|stroke): (#[0-9a-f]{6})")
_STYLED = re.compile(r'style="[^"]*"')
_FONT = re.compile(r"'DejaVu Sans', [^;\"]*?sans-serif")
_STYLES = '<style type="text/css">'


def both(svg: str) -> str:
    """A picture of matplotlib, readable on light and on dark.

    Parameters
    ----------
    svg : str
        Markup with a white background or none.

    Returns
    -------
    str
        The same with its colours and its font named once, at the top, the colours for either
        ground. On light the ground is white, on dark that of the page.
    """
    styles = " ".join(_STYLED.findall(svg))
    colours = sorted({colour for _, colour in _COLOURED.findall(styles)})
    names = {colour: f"--{number}" for number, colour in enumerate(colours)}
    font = _FONT.search(svg)

    def named(found: re.Match) -> str:
        part = _COLOURED.sub(lambda own: f"{own[1]}: var({names[own[2]]})", found[0])
        return part.replace(font[0], "var(--f)") if font else part

    light = "".join(f"{name}:{colour};" for colour, name in names.items())
    light += f"--f:{font[0]};" if font else ""
    dark = "".join(f"{name}:{counterpart(colour)};" for colour, name in names.items())
    dark = f"svg{{background:none;fill:{DARK[_style.INK]};{dark}}}"
    rules = f"svg{{background:#fff;fill:{_style.INK};{light}}}"
    rules += f"@media (prefers-color-scheme:dark){{{dark}}}"
    return _STYLED.sub(named, svg).replace(_STYLES, _STYLES + rules, 1)


def counterpart(colour: str) -> str:
    """A colour on dark: as chosen, else (shades of amounts) what writing stands out from as well.

    Examples
    --------
    >>> counterpart("#ffffff"), counterpart("#fdf5f5")
    ('#14191f', '#371414')
    """
    if colour in DARK:
        return DARK[colour]
    hue, _, saturation = colorsys.rgb_to_hls(*_parts(colour))
    white, ground = 1.05, _style.luminance(_parts(PAPER)) + 0.05  # as WCAG 2.2 measures contrast
    wanted = white / (_style.luminance(_parts(colour)) + 0.05) * ground - 0.05
    low, high = 0.0, _LIGHTEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        shade = colorsys.hls_to_rgb(hue, middle, _CALM * saturation)
        low, high = (middle, high) if _style.luminance(shade) < wanted else (low, middle)
    return "#" + "".join(f"{round(255 * part):02x}" for part in shade)


def _parts(colour: str) -> tuple[float, ...]:
    """Red, green and blue, each from 0 to 1."""
    return tuple(int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
