"""An executed notebook as a page: text and exhibits, no code, nothing from outside.

nbconvert turns the cells into markup through ``template/index.html.j2``; ``write`` puts any markup
into the one shell, ``template/page.html.j2``, with style sheet and script inside the file.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator
from pathlib import Path

import jinja2
import nbformat
from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "template"
_HEADLINE = re.compile(r'<p class="headline">(.*?)</p>', re.DOTALL)
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def render(
    executed_notebook: Path,
    target: Path,
    *,
    title: str,
    cycle_label: str,
    company: str,
    navigation: list[tuple[str, str]],
    footer: str,
    stamp: str = "",
) -> None:
    """Write the page of an executed notebook.

    Parameters
    ----------
    executed_notebook, target : Path
        Notebook with its outputs; page to write.
    title, cycle_label, company : str
        Page title (its only h1), cycle as ``YYYY-MM``, name of the company.
    navigation : list of (label, href)
        Index and pages in order; the entry that links to ``target`` is shown as current.
    footer : str
        One line: cycle, version, data as of.
    stamp : str
        What the reader must know first, for example ``preliminary: demand not agreed``.
    """
    notebook = nbformat.read(executed_notebook, as_version=4)
    write(
        target,
        _cells(notebook),
        title=title,
        cycle_label=cycle_label,
        company=company,
        navigation=navigation,
        footer=footer,
        stamp=stamp,
    )


def _cells(notebook: nbformat.NotebookNode) -> str:
    """Markup of all text and of all exhibits; the shell has the only h1."""
    from nbconvert.exporters import HTMLExporter  # here: what needs no page waits for no nbconvert

    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    for cell in texts[:1]:
        cell.source = re.sub(r"\A\s*# .*\n?", "", cell.source)
    for cell in texts:
        cell.source = re.sub(r"^# ", "## ", cell.source, flags=re.MULTILINE)
    exporter = HTMLExporter(
        template_name=TEMPLATES.name,
        extra_template_basedirs=[str(TEMPLATES.parent)],
        exclude_anchor_links=True,
    )
    body, _ = exporter.from_notebook_node(notebook)
    return body


def write(
    target: Path,
    body: str,
    *,
    title: str,
    cycle_label: str,
    company: str,
    navigation: list[tuple[str, str]],
    footer: str,
    stamp: str = "",
) -> None:
    """Write ``body`` (markup) into the shell that all pages share; the rest as in ``render``."""
    page = template("page.html.j2").render(
        body=Markup(body.strip()),
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup((TEMPLATES / "script.js").read_text(encoding="utf-8")),
        title=title,
        cycle_label=cycle_label,
        company=company,
        navigation=navigation,
        current=target.name,
        footer=footer,
        stamp=stamp,
    )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8", newline="\n")


@functools.cache
def template(name: str) -> jinja2.Template:
    """The template of that name; what is put in is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template(name)


def failure_page(
    target: Path,
    *,
    step: str,
    title: str,
    cell: str,
    error: str,
    company: str,
    cycle_label: str,
    navigation: list[tuple[str, str]],
    footer: str,
    traceback: str = "",
) -> None:
    """Write the page that stands where a step failed: which step, where, why, what now.

    Parameters
    ----------
    target : Path
        Page to write.
    step, title : str
        Name of the step, title of its page.
    cell : str
        Where it stopped, for example ``cell 4``.
    error : str
        The message, without a traceback.
    company, cycle_label, navigation, footer
        As in ``render``.
    traceback : str
        For whoever repairs it; folded away. Terminal colours are taken out.
    """
    body = template("failure.html.j2").render(
        step=step, cell=cell, error=error, traceback=_TERMINAL_CODES.sub("", traceback).strip()
    )
    write(
        target,
        body,
        title=title,
        cycle_label=cycle_label,
        company=company,
        navigation=navigation,
        footer=footer,
    )


def first_sentence(executed_notebook: Path) -> str:
    """First sentence of a notebook's headline as plain text, empty where it has none."""
    notebook = nbformat.read(executed_notebook, as_version=4)
    for markup in _markups(notebook):
        found = _HEADLINE.search(markup)
        if found:
            text = html.unescape(re.sub(r"<[^>]+>", "", found[1]))
            return re.split(r"(?<=[.!?])\s+(?=[^\W\d_])", text.strip())[0]
    return ""


def _markups(notebook: nbformat.NotebookNode) -> Iterator[str]:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield output.get("data", {}).get("text/html", "")
