"""A cycle's pack: a page for each executed notebook, its first page, a failure's page, all cycles.

nbconvert turns the cells of a notebook into markup through ``template/index.html.j2``: text and
exhibits, no code, nothing from outside. The one shell ``template/page.html.j2`` takes any markup,
with style sheet and script inside the file.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import nbformat
import pandas as pd
from markupsafe import Markup

from sopkit import exhibits, months, whole
from sopkit.agenda import STEPS, Step
from sopkit.pages import downloads, outline
from sopkit.publication import EXTRACTS, REVISIONS

FAILED_PAGE, WORKBOOK = "failed.html", "sop_grid.xlsx"
_TEMPLATES = Path(__file__).parent / "template"
_PURPOSES = {
    "data_review": "Did everything arrive, and what did cleaning change?",
    "product_review": "What do we sell, how does it behave, what comes and goes?",
    "demand_review": "What will customers want, and how sure are we?",
    "supply_review": "Can we supply it, and what does each way cost?",
    "reconciliation": "Where do demand, supply and budget differ, and what is it worth?",
    "executive_review": "Do we make the year, and what is to be decided?",
}
_HEADLINE = re.compile(r'<p class="headline">(.*?)</p>', re.DOTALL)
_TITLE = re.compile(
    r'(<div class="title"><h1>.*?</h1>)(?:<p class="stamp[^"]*">.*?</p>)?</div>', re.DOTALL
)
_DECIDES = re.compile(r"<p><strong>Decides</strong>: (.*?)</p>", re.DOTALL)
# an address beside the page; its tables are kept with it
_FROM_HERE = re.compile(rf'href="(?!#|/|[a-z]+:|{downloads.TABLES}/)')
_DONE = "stamp done"
# as ``contract.sentence`` writes it: state, table and column, what, rows, remedy
_SENTENCE = re.compile(
    r"(?:\w+Error: )?(?:breach|notice): (?P<where>[^:]+): (?P<what>.*?)"
    r"(?: \((?P<rows>[\d,]+ rows?), first: (?P<first>.*?)\) (?P<remedy>.*))?"
)
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Imprint:
    """What every page of a pack says of itself.

    ``stamps`` by step: closed, or what is open. ``earlier`` by file: the last cycle before this one
    that has such a page.
    """

    company: str
    cycle: pd.Timestamp
    version: str
    stamps: Mapping[str, str] = field(default_factory=dict)
    earlier: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """Why a step stopped, where, what to do about it and how to go on.

    ``cell`` is 0 where no cell had begun; ``notebook`` is the executed one, seen from the page.
    """

    cell: int
    line: str
    reason: str
    remedy: str
    command: str
    traceback: str = ""
    notebook: str = ""


def write_page(executed: Path, folder: Path, step: Step, imprint: Imprint) -> Path:
    """Render one step's executed notebook into the pack's folder.

    Parameters
    ----------
    executed : Path
        Notebook with its outputs.
    folder : Path
        The pack.
    step : Step
        Gives the page its title, file name and stamp.
    imprint : Imprint
        Of the pack.
    """
    notebook = nbformat.read(executed, as_version=4)
    workbook = downloads.write(notebook, folder, step.notebook)
    body = _cells(notebook)
    if workbook:
        body += f'<p class="note"><a href="{workbook}" download>All tables of this page</a>'
        body += " with all their rows, as an Excel workbook.</p>"
    stamp = imprint.stamps.get(step.name, "")
    return _write(folder / f"{step.notebook}.html", body, step.title, imprint, stamp)


def restamp(folder: Path, imprint: Imprint) -> list[str]:
    """Print today's stamps on the pages of a pack; steps whose page differs."""
    changed = []
    for step in STEPS:
        page = folder / f"{step.notebook}.html"
        if not page.is_file():
            continue
        before = page.read_text(encoding="utf-8")
        words = imprint.stamps.get(step.name, "")
        mark = f'<p class="{stamp_class(words)}">{html.escape(words)}</p>' if words else ""
        after = _TITLE.sub(lambda found, mark=mark: f"{found[1]}{mark}</div>", before, count=1)
        if after != before:
            whole.write_text(after, page)
            changed.append(step.name)
    return changed


def stamp_class(words: str) -> str:
    """Class of a stamp: what is closed or approved is done, the rest asks for attention.

    Examples
    --------
    >>> stamp_class("approved: revision 1"), stamp_class("preliminary: data not agreed")
    ('stamp done', 'stamp')
    """
    is_done = words.startswith(("approved", "revision")) and " was reopened" not in words
    return _DONE if is_done else "stamp"


def keep_page(folder: Path, step: Step, number: int) -> Path:
    """Keep a page and its tables beside a closed revision, its links to the pack's pages mended."""
    page = (folder / f"{step.notebook}.html").read_text(encoding="utf-8")
    target = folder / REVISIONS / str(number) / f"{step.notebook}.html"
    downloads.keep(folder, step.notebook, target.parent)
    whole.write_text(_FROM_HERE.sub('href="../../', page), target)
    return target


def write_failure(folder: Path, step: Step, imprint: Imprint, failure: Failure) -> Path:
    """Write the page that says which step failed and why, beside the last good pack.

    Rows that the cause names stand in a table; terminal colours are taken out of the traceback.

    Parameters
    ----------
    folder, step, imprint
        As in ``write_page``.
    failure : Failure
        What happened, and how to go on.
    """
    trace = _TERMINAL_CODES.sub("", failure.traceback).strip()
    said = {"step": step.name, "failure": failure, "trace": trace}
    body = _template("failure.html.j2").render(said, rows=_named_rows(failure.reason))
    return _write(folder / FAILED_PAGE, body, f"{step.title} failed", imprint)


def _named_rows(text: str) -> list[dict[str, str]]:
    """Rows that a message names, line by line; empty unless every line names a place.

    Examples
    --------
    >>> _named_rows("breach: sales.quantity: no (2 rows, first: row 5) Write it.")[0]["first"]
    'row 5'
    >>> _named_rows("ValueError: no")
    []
    """
    lines = [_SENTENCE.fullmatch(line) for line in text.splitlines()]
    return [line.groupdict(default="") for line in lines] if all(lines) else []


def write_index(folder: Path, imprint: Imprint) -> Path:
    """Write the pack's first page: each page there is, its answer, its stamp, what it decides.

    Below them: workbook of the S&OP grid, extracts, pages of earlier revisions, those that are in
    the folder. A page that was printed has its PDF beside it. The executive page's answer stands
    above all.
    """
    there = [step for step in STEPS if (folder / f"{step.notebook}.html").is_file()]
    pages = [_listed(folder, step, imprint.stamps.get(step.name, "")) for step in there]
    is_whole = STEPS[-1] in there
    body = _template("pack.html.j2").render(
        pages=pages,
        answer=pages[-1]["headline"] if is_whole else "",
        closed=sum(page["stamp_class"] == _DONE for page in pages),
        count=len(STEPS),
        workbook=_if_there(folder, WORKBOOK),
        extracts=[path.name for path in sorted((folder / EXTRACTS).glob("*.*"))],
        revisions=_revisions(folder),
    )
    title = f"Meeting pack {months.label(imprint.cycle)}"
    return _write(folder / "index.html", body, title, imprint)


def _listed(folder: Path, step: Step, stamp: str) -> dict[str, str]:
    """What the pack's first page says of one page."""
    page = folder / f"{step.notebook}.html"
    text = page.read_text(encoding="utf-8")
    return {
        "title": step.title,
        "href": page.name,
        "pdf": _if_there(folder, f"{step.notebook}.pdf"),
        "tables": _if_there(folder, f"{downloads.TABLES}/{step.notebook}.xlsx"),
        "purpose": _PURPOSES[step.name],
        "headline": _plain(_HEADLINE, text),
        "decides": _plain(_DECIDES, text),
        "stamp": stamp,
        "stamp_class": stamp_class(stamp),
    }


def _plain(wanted: re.Pattern, page: str) -> str:
    """The first place that a pattern finds on a page, as plain text; empty where it finds none."""
    found = wanted.search(page)
    return html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip() if found else ""


def _if_there(folder: Path, name: str) -> str:
    """The name of a file of the folder, empty where it is not there."""
    return name if (folder / name).is_file() else ""


def _revisions(folder: Path) -> list[tuple[str, list[tuple[str, str]]]]:
    """Earlier revisions, the latest first, each with its pages: title and address."""
    numbers = [path for path in (folder / REVISIONS).glob("*") if path.name.isdigit()]
    made = []
    for own in sorted(numbers, key=lambda path: int(path.name), reverse=True):
        pages = [
            (step.title, f"{REVISIONS}/{own.name}/{step.notebook}.html")
            for step in STEPS
            if (own / f"{step.notebook}.html").is_file()
        ]
        made += [(own.name, pages)] if pages else []
    return made


def write_cycles(folder: Path, cycles: list[dict[str, str]], company: str) -> Path:
    """Write the list of cycles, ``reports/index.html``, the newest cycle first.

    Parameters
    ----------
    folder : Path
        Of all reports.
    cycles : list of dict
        ``cycle`` (YYYY-MM), ``state``, ``when`` (text: when it was run), ``href``.
    company : str
        Its name.
    """
    newest = sorted(cycles, key=lambda cycle: cycle["cycle"], reverse=True)
    shown = [
        cycle | {"stamp_class": stamp_class(cycle["state"]), "said": _answer(folder, cycle)}
        for cycle in newest
    ]
    body = _template("cycles.html.j2").render(cycles=shown)
    return _write(folder / "index.html", body, "Planning cycles", company)


def _answer(folder: Path, cycle: dict[str, str]) -> str:
    """What a cycle's executive page says first; empty where there is none."""
    page = (folder / cycle["href"]).with_name(f"{STEPS[-1].notebook}.html")
    return _plain(_HEADLINE, page.read_text(encoding="utf-8")) if page.is_file() else ""


def _cells(notebook: nbformat.NotebookNode) -> str:
    """Markup of all text and of all exhibits; the shell has the only h1."""
    from nbconvert.exporters import HTMLExporter  # here: what needs no page waits for no nbconvert

    exporter = HTMLExporter(
        template_name=_TEMPLATES.name,
        extra_template_basedirs=[str(_TEMPLATES.parent)],
        exclude_anchor_links=True,
    )
    return outline.explained(exporter.from_notebook_node(outline.arranged(notebook))[0])


def _write(target: Path, body: str, title: str, imprint: Imprint | str, stamp: str = "") -> Path:
    """Write ``body`` (markup) into the shell; the list of cycles has only a company's name."""
    said = {"company": imprint, "cycle_label": "", "navigation": [], "elsewhere": [], "footer": ""}
    if isinstance(imprint, Imprint):
        label, data_to = (months.label(months.shift(imprint.cycle, n)) for n in (0, -1))
        said = {
            "company": imprint.company,
            "cycle_label": label,
            "navigation": [("Overview", "index.html")]
            + [(step.title, f"{step.notebook}.html") for step in STEPS],
            "elsewhere": _elsewhere(imprint, target.name),
            "footer": f"Cycle {label} · sopkit {imprint.version} · data to {data_to}",
        }
    for part, files in (("style", ("style.css", "tables.css")), ("script", ("script.js",))):
        texts = [(_TEMPLATES / file).read_text(encoding="utf-8") for file in files]
        said[part] = Markup("".join(texts))
    named, places = outline.anchored(body.strip())
    beside = outline.beside(target.name)
    page = _template("page.html.j2").render(
        said,
        body=Markup(exhibits.isolated(named)),
        contents=places if beside and len(places) >= outline.FEWEST else [],
        beside=beside,
        title=title,
        current=target.name,
        stamp=stamp,
        stamp_class=stamp_class(stamp),
    )
    whole.write_text(page, target)
    return target


def _elsewhere(imprint: Imprint, page: str) -> list[tuple[str, str]]:
    """The way to the same page of the cycle before, and to the list of cycles."""
    before = imprint.earlier.get(page)
    ways = [(f"Cycle {before}", f"../{before}/{page}")] if before else []
    return [*ways, ("All cycles", "../index.html")]


@functools.cache
def _template(name: str) -> jinja2.Template:
    """The template of that name; what is put in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(name)
