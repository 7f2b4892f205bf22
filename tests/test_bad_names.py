"""A company whose every name is one nobody should give: shown as it is, never run, never obeyed."""

from __future__ import annotations

import base64
import re
import unicodedata
from functools import partial
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import ipywidgets as widgets
import openpyxl
import pandas as pd
import pytest
import yaml

from sopkit import cells, exhibits, gates, months, naming, policies
from sopkit.__main__ import main
from sopkit.demand import workshop as one_series
from sopkit.explore import accuracy, feedback, frame, history, overrides, scenarios, workshop
from sopkit.pages import pack

pytestmark = pytest.mark.slow
CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(pd.Timestamp("2023-01-01"), 36)
SCRIPT, LONG = "<script>alert(1)</script>", "W" * 200
ARABIC, HEBREW = "خيام كبيرة (2)", "אוהלים & תיקים"
NAMES = [
    SCRIPT,
    "<img src=x onerror=alert(2)>",
    'O\'Neil "XL" & Söhne </table>',
    r"$x_1$ \alpha \frac{1",
    "100% {cost} %s {{ 7*7 }} [plan]",
    ARABIC,
    HEBREW,
    "帐篷和睡袋",
    "⛺🏕️ Camp",
    "e\u0301te\u0301 d’a\u0304ge",
    LONG,
    "=1+1",
    "+44",
    "-5+1",
    "@SUM(A1)",
    "NA",
    "nan",
    "null",
]
COUNT = len(NAMES)
PLACES, CHANNEL = (SCRIPT, ARABIC), r"$x_1$ \alpha \frac{1"


def _name(k: int) -> str:
    return NAMES[k % COUNT]


def _rows(columns: str, rows) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=columns.split())


def _sales() -> pd.DataFrame:
    rows = [
        (item, PLACES[k % 2], CHANNEL, f"{month:%Y-%m}", 30 + 5 * (month.month % 6) + k % 7)
        for k, item in enumerate(NAMES)
        for month in SPAN
    ]
    sales = _rows("item location channel month quantity", rows)
    return sales.assign(revenue_value=50 * sales["quantity"])


def _master() -> dict[str, pd.DataFrame]:
    """What there is: items of eighteen families, two places, one channel, hours, suppliers."""
    items = [
        (item, _name(k + 5), _name(k + 1), _name(k // 9), 20, 50, 20, k % 2 == 0)
        for k, item in enumerate(NAMES)
    ]
    head = "item description family category unit_cost_value unit_price_value lead_time_days"
    bought = [(item, _name(k + 1), 20, 20, 30) for k, item in enumerate(NAMES) if k % 2 == 0]
    made = [(item, (SCRIPT, LONG)[k % 4 == 1], 0.4) for k, item in enumerate(NAMES) if k % 2]
    hours = [(name, SCRIPT, 60, 5, 20, 30) for name in (SCRIPT, LONG)]
    places = [(PLACES[0], ARABIC, None, SCRIPT), (PLACES[1], HEBREW, PLACES[0], HEBREW)]
    limited = "item supplier lead_time_days unit_cost_value monthly_limit"
    paid = "regular_hours overtime_hours regular_cost_value overtime_cost_value"
    costs = "family holding_cost_value backorder_cost_value"
    return {
        "items": _rows(f"{head} is_purchased", items),
        "locations": _rows("location region supplied_from owner", places),
        "channels": _rows("channel segment owner", [(CHANNEL, SCRIPT, ARABIC)]),
        "suppliers": _rows(limited, bought),
        "inventory": _rows(
            "item location month on_hand", [(i, SCRIPT, "2025-12", 30) for i in NAMES]
        ),
        "resources": _rows(f"resource location {paid}", hours),
        "routings": _rows("item resource hours_per_unit", made),
        "planning_costs": _rows(costs, [(family, 1, 20) for family in NAMES]),
    }


def _said() -> dict[str, pd.DataFrame]:
    """What people say: events, overrides, views, assumptions, decisions, actions, risks."""
    month = "2026-0{}".format
    half = range(11)
    span = "first_month last_month"
    events = [
        (_name(k), "promotion", month(k + 2), month(k + 2), _name(k + 1), 0.2, 0.8, _name(k + 3))
        for k in range(6)
    ]
    said = [("2026-01", _name(k), month(k + 2), _name(k)) for k in range(7)]
    own = [(*row, "scale", 1.1, _name(k)) for k, row in enumerate(said)]
    views = [("Sales", *row[:3], 300, row[3]) for row in said]
    holds = [(_name(k), _name(k + 2), _name(k + 4), "amber", "red", "2025-06") for k in half]
    asked = [(_name(k), "2026-01", _name(k + 1), _name(k + 2), "2026-02-15") for k in half]
    ways = [(_name(k), _name(k + n), _name(k + 3), 900, 2000) for k in half for n in (0, 1)]
    acts = [(_name(k), "2025-12", _name(k + 1), _name(k + 3), "2026-03", "open") for k in half]
    risks = [
        (_name(k), "2026-01", "risk", _name(k + 1), _name(k + 3), -5000, 0.3, month(2), month(6))
        for k in half
    ]
    plan = [(name, f"2026-{m:02}", 45, 2400) for name in NAMES for m in range(1, 13)]
    judged = "kind statement owner effect_value probability_rate"
    return {
        "events": _rows(f"event kind {span} family expected_rate probability_rate owner", events),
        "overrides": _rows("cycle family month author kind rate reason", own),
        "submissions": _rows("department cycle family month quantity reason", views),
        "assumptions": _rows("assumption statement owner quality impact first_cycle", holds),
        "decisions": _rows("decision cycle statement owner decide_by", asked),
        "options": _rows("decision option statement cost_value effect_value", ways),
        "actions": _rows("action cycle statement owner due_month status", acts),
        "risks": _rows(f"risk cycle {judged} {span}", risks),
        "budget": _rows("family month quantity revenue_value", plan),
    }


def _scenario(k: int) -> dict:
    wet = {"first_month": "2026-05", "last_month": "2026-06", "rate": -0.2}
    head = {"name": _name(k), "statement": _name(k + 1), "owner": _name(k + 6)}
    head |= {"kind": "outside", "first_cycle": "2026-01", "probability_rate": 0.2}
    return head | {"changes": [{"demand": {"family": _name(k + 1)} | wet}]}


@pytest.fixture(scope="module")
def odd(tmp_path_factory) -> Path:
    """A workspace of such names, its cycle 2026-01 run, pages and all; nobody may change it."""
    root = tmp_path_factory.mktemp("odd")
    (root / "data/raw/scenarios").mkdir(parents=True)
    for name, table in ({"sales": _sales()} | _master() | _said()).items():
        table.to_csv(root / f"data/raw/{name}.csv", index=False)
    company = {"name": f"{SCRIPT} & {ARABIC}", "currency": "EUR", "departments": ["Sales"]}
    texts = {"company": company | {"horizon": 18}}
    texts |= {f"scenarios/s{k}": _scenario(k) for k in (0, 3, 5)}
    for name, content in texts.items():
        text = yaml.safe_dump(content, allow_unicode=True)
        (root / f"data/raw/{name}.yml").write_text(text, encoding="utf-8")
    assert main(["run", "--workspace", str(root)]) == 0
    return root


@pytest.fixture(scope="module")
def pages(odd) -> dict[str, str]:
    """Markup of every page by its name; the list of cycles is ``reports``."""
    paths = [odd / "reports/index.html", *(odd / "reports/2026-01").glob("*.html")]
    return {f"{path.parent.name}/{path.stem}": path.read_text("utf-8") for path in paths}


class _Tags(HTMLParser):
    """Every tag with its attributes, those left open, and whether all were closed in order."""

    VOID = "meta link img br hr input col wbr".split()

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags, self.open, self.is_well_formed = [], [], True
        self.feed(markup)
        self.is_well_formed &= not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open += [tag] if tag not in self.VOID else []

    def handle_endtag(self, tag):
        if tag not in self.VOID:  # as in <img/>
            self.is_well_formed &= bool(self.open) and self.open.pop() == tag


def _is_harmless(markup: str, scripts: int = 0) -> bool:
    tags = _Tags(markup).tags
    pictures = [attrs.get("src", "") for tag, attrs in tags if tag == "img"]
    acts = [name for _, attrs in tags for name in attrs if name.startswith("on")]
    return (
        sum(tag == "script" for tag, _ in tags) == scripts
        and all(source.startswith("data:image/") for source in pictures)
        and not acts
    )


def test_pages_stay_well_formed_and_hold_no_script_but_their_own(pages):
    assert len(pages) == 8
    for name, markup in pages.items():
        assert _Tags(markup).is_well_formed, name
        assert _is_harmless(markup, scripts=1), name


def test_every_name_can_be_read_on_the_pages(pages):
    words = unescape(re.sub(r"<[^>]+>", "", pages["2026-01/03_demand_review"]))
    for name in NAMES:
        shown = name.replace("-5", "−5")  # as all minus signs before figures
        shown = unicodedata.normalize("NFC", shown)  # an é of two signs is the é of one
        assert shown in words, name


def test_names_from_right_to_left_stand_apart_and_nothing_else_does(pages):
    markup = pages["2026-01/06_executive_review"]
    apart = re.findall(r"<bdi>(.*?)</bdi>", markup)
    assert "خيام كبيرة" in apart
    assert all(naming.LEFTWARD.fullmatch(unescape(name)) for name in apart)


def _charts(markup: str) -> list[str]:
    coded = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", markup)
    return [base64.b64decode(code).decode("utf-8") for code in coded]


def test_charts_cut_long_names_and_take_a_dollar_for_a_dollar(pages):
    drawn = [chart for markup in pages.values() for chart in _charts(markup)]
    words = [unescape(t) for chart in drawn for t in re.findall(r"<text[^>]*>([^<]*)", chart)]
    assert len(drawn) >= 20 and max(map(len, words)) <= 120
    assert any("WW…WW" in word for word in words)
    assert any("$x_1$" in word for word in words)


def test_nothing_is_run_and_nothing_scrolls_sideways_in_a_browser(odd, needs):
    chromium = needs("chromium")
    from playwright.sync_api import sync_playwright

    said = []
    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = playwright.chromium.launch(executable_path=str(chromium), args=flags)
        view = browser.new_page(viewport={"width": 390, "height": 900})
        view.on("console", lambda line: said.append(line.text))
        view.on("pageerror", lambda error: said.append(str(error)))
        view.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        for path in sorted((odd / "reports").rglob("*.html")):
            view.goto(path.as_uri())
            wide = view.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, path.name
        browser.close()
    assert said == []


def test_spreadsheets_of_the_pack_hold_names_as_text(odd):
    books = sorted((odd / "reports").rglob("*.xlsx"))
    assert books
    for path in books:
        for sheet in openpyxl.load_workbook(path):
            kinds = {cell.data_type for row in sheet.iter_rows() for cell in row}
            assert "f" not in kinds, (path.name, sheet.title)


def test_csv_of_the_pack_has_no_cell_that_a_spreadsheet_would_run(odd):
    files = sorted((odd / "reports").rglob("*.csv"))
    assert files
    for path in files:
        table = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8-sig")
        for name in table:
            assert table[name].map(cells.harmless).equals(table[name]), (path.name, name)


def _values(widget: widgets.Widget) -> list[str]:
    """Markup of a widget and of all that are in it."""
    own = [widget.value] if isinstance(widget, widgets.HTML) else []
    inner = getattr(widget, "children", ())
    return own + [value for child in inner for value in _values(child)]


EXPLORERS = {
    "accuracy": accuracy.explorer,
    "feedback": partial(feedback.explorer, keep=gates.revise),
    "history": partial(history.explorer, keep=policies.correct),
    "overrides": overrides.explorer,
    "scenarios": scenarios.explorer,
    "series": workshop.explorer,
}


@pytest.mark.parametrize("name", EXPLORERS)
def test_explorers_show_names_as_words(odd, name, at_once, monkeypatch):
    monkeypatch.setattr(one_series, "ORIGINS", (12,))  # years held out cost time
    values = _values(EXPLORERS[name](odd, CYCLE))
    assert any("<" in value for value in values)
    values = [value.replace(frame.LOOK, "") for value in values]  # which listens, for the keyboard
    assert all(_is_harmless(value) for value in values if value)


@pytest.mark.parametrize("name", EXPLORERS)
def test_explorers_of_a_workspace_without_a_run_say_which_command_is_missing(
    tmp_path, name, at_once
):
    (tmp_path / "data/raw").mkdir(parents=True)
    _sales().to_csv(tmp_path / "data/raw/sales.csv", index=False)
    words = unescape(" ".join(_values(EXPLORERS[name](tmp_path, CYCLE))))
    assert "sopkit run" in words


def test_whatever_an_exhibit_is_given_is_escaped():
    frame = pd.DataFrame({"name": NAMES, "state": NAMES, "n": range(COUNT)})
    facts = pd.DataFrame(
        [("a", float("nan"), "text", SCRIPT), ("b", 1.0, "count", ""), ("c", 2.0, "count", "")],
        columns=["fact", "amount", "kind", "text"],
    )
    made = [
        exhibits.note(SCRIPT),
        exhibits.headline("{a} " + SCRIPT, facts),
        exhibits.fact_tiles(facts, {name: SCRIPT for name in "abc"}),
        exhibits.table(
            frame,
            caption=f'"> {SCRIPT}',
            columns={"name": SCRIPT, "state": "State", "n": "N"},
            kinds={"state": "rating", "n": "count"},
            source=SCRIPT,
            rest=SCRIPT,
            rows=COUNT,
        ),
    ]
    assert all(_is_harmless(exhibit.html) for exhibit in made)
    assert all("&lt;script&gt;" in exhibit.html for exhibit in made)


def test_a_failure_page_takes_names_for_words(tmp_path):
    imprint = pack.Imprint(SCRIPT, CYCLE, "0.1")
    words = dict.fromkeys(["line", "reason", "remedy", "command", "traceback"], SCRIPT)
    failure = pack.Failure(cell=3, notebook="executed.ipynb", **words)
    page = pack.write_failure(tmp_path, pack.STEPS[0], imprint, failure).read_text("utf-8")
    assert _is_harmless(page, scripts=1) and page.count("&lt;script&gt;alert(1)") >= 4
