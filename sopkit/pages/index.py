"""The first page of a cycle's pack, and the list of all cycles."""

from __future__ import annotations

from pathlib import Path

from sopkit.pages import page


def pack_index(
    target: Path,
    pages: list[dict[str, str]],
    *,
    cycle_label: str,
    company: str,
    navigation: list[tuple[str, str]],
    footer: str,
    stamp: str = "",
) -> None:
    """Write ``reports/<cycle>/index.html``.

    Parameters
    ----------
    target : Path
        Page to write.
    pages : list of dict
        In order: ``title``, ``href``, ``purpose`` (one sentence), ``headline`` (the first sentence
        of the page's headline, from ``page.first_sentence``), optional ``state`` (a word such as
        agreed, preliminary, failed).
    cycle_label, company, navigation, footer, stamp
        As in ``page.render``.
    """
    body = page.template("pack.html.j2").render(pages=pages)
    page.write(
        target,
        body,
        title=f"Meeting pack {cycle_label}",
        cycle_label=cycle_label,
        company=company,
        navigation=navigation,
        footer=footer,
        stamp=stamp,
    )


def cycles_index(
    target: Path, cycles: list[dict[str, str]], *, company: str, footer: str = ""
) -> None:
    """Write ``reports/index.html``, the newest cycle first.

    Parameters
    ----------
    target : Path
        Page to write.
    cycles : list of dict
        ``cycle`` (YYYY-MM), ``state``, ``when`` (text: when it was run), ``href``.
    company, footer : str
        As in ``page.render``.
    """
    newest = sorted(cycles, key=lambda cycle: cycle["cycle"], reverse=True)
    body = page.template("cycles.html.j2").render(cycles=newest)
    page.write(
        target,
        body,
        title="Planning cycles",
        cycle_label="",
        company=company,
        navigation=[],
        footer=footer,
    )
