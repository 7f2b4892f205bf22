"""The first page of a pack and the list of cycles."""

from __future__ import annotations

from sopkit.pages import index


def test_a_pack_opens_with_its_pages_their_purpose_and_headline(tmp_path):
    target = tmp_path / "index.html"
    pages = [
        {
            "title": "Data review",
            "href": "01_data_review.html",
            "purpose": "What arrived?",
            "headline": "All <of> it.",
        },
        {
            "title": "Supply review",
            "href": "04_supply_review.html",
            "purpose": "Can we?",
            "headline": "",
            "state": "preliminary",
        },
    ]
    index.pack_index(
        target,
        pages,
        cycle_label="2026-01",
        company="North",
        navigation=[],
        footer="sopkit",
        stamp="run, not approved",
    )
    text = target.read_text(encoding="utf-8")
    assert text.index('href="01_data_review.html"') < text.index('href="04_supply_review.html"')
    for shown in ("What arrived?", "All &lt;of&gt; it.", "preliminary", "run, not approved"):
        assert shown in text
    assert text.count("<h1") == 1 and text.count('class="said"') == 1


def test_cycles_are_listed_newest_first(tmp_path):
    target = tmp_path / "index.html"
    cycles = [
        {"cycle": cycle, "state": "run", "when": "2026-01-05", "href": f"{cycle}/index.html"}
        for cycle in ("2025-12", "2026-01")
    ]
    index.cycles_index(target, cycles, company="North")
    text = target.read_text(encoding="utf-8")
    assert text.index("2026-01/index.html") < text.index("2025-12/index.html")
    index.cycles_index(target, [], company="North")
    assert "No cycle has been planned yet." in target.read_text(encoding="utf-8")
