"""Files that must agree: dependencies in three places, the dictionary, the sample, the README."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from sopkit import agenda, exports, sample, schema
from sopkit.reconciliation import scenario_format

REPOSITORY = Path(__file__).resolve().parent.parent

STACK = {
    "jupyterlab",
    "pandas",
    "statsmodels",
    "matplotlib",
    "ipywidgets",
    "papermill",
    "nbconvert",
}


def _project() -> dict:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def _wanted() -> list[Requirement]:
    project = _project()
    words = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    return [Requirement(word) for word in words]


def _locked() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines():
        match = re.match(r"([\w.-]+)==(\S+)", line)
        assert match, line
        found.setdefault(match[1].lower().replace("_", "-"), []).append(match[2])
    return found


@pytest.mark.parametrize("wanted", _wanted(), ids=lambda wanted: wanted.name)
def test_the_lock_holds_every_dependency_within_its_bounds(wanted):
    versions = _locked()[wanted.name.lower()]
    assert all(wanted.specifier.contains(version) for version in versions)


def test_the_lock_names_no_address():
    text = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text and "@" not in text


def test_environment_yml_names_python_pip_and_the_stack_with_the_same_bounds():
    content = yaml.safe_load((REPOSITORY / "environment.yml").read_text(encoding="utf-8"))
    *names, own = content["dependencies"]
    bounds = {Requirement(word).name: Requirement(word).specifier for word in names}
    assert set(bounds) == STACK | {"python", "pip"}
    assert own == {"pip": ["-e ."]}
    wanted = {requirement.name: requirement.specifier for requirement in _wanted()}
    assert all(bounds[name] == wanted[name] for name in STACK)
    assert str(bounds["python"]) == _project()["project"]["requires-python"]


def test_the_dictionary_in_data_raw_is_generated_from_the_schema():
    text = (REPOSITORY / "data/raw/README.md").read_text(encoding="utf-8")
    assert text == schema.dictionary(scenario_format.described(), exports.described())


def test_the_repositorys_own_tables_are_the_sample_company(tmp_path):
    paths = sample.write(tmp_path)
    raw = REPOSITORY / "data/raw"
    own = {path.relative_to(raw) for path in raw.rglob("*") if path.is_file()} - {Path("README.md")}
    assert own == {path.relative_to(tmp_path) for path in paths}
    for path in paths:
        assert path.read_bytes() == (raw / path.relative_to(tmp_path)).read_bytes(), path.name


def test_the_readme_names_every_folder_command_and_make_target():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"^(\w+):.*##", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for word in [
        *(f"make {target}" for target in targets if target != "help"),
        "sopkit run",
        "sopkit check",
        "sopkit init",
        "sopkit sample",
        "sopkit status",
        "sopkit forecast",
        "notebooks/",
        "sopkit/",
        "data/raw/",
        "data/processed/",
        "reports/",
        "tests/",
        "environment.yml",
    ]:
        assert word in readme, word


def _links(path: Path) -> list[str]:
    """Addresses beside a page or a text: files, without the place in them."""
    text = path.read_text(encoding="utf-8")
    found = re.findall(r'(?:href|src)="([^"]+)"|\]\(([^)\s]+)\)', text)
    links = [html or words for html, words in found]
    return [link.split("#")[0] for link in links if not link.startswith(("data:", "http", "#"))]


@pytest.mark.parametrize("name", ["README.md", "examples/README.md", "examples/tour.md"])
def test_links_and_pictures_of_what_people_read_first_lead_somewhere(name):
    path = REPOSITORY / name
    links = _links(path)
    assert links and [link for link in links if not (path.parent / link).exists()] == []


def test_the_example_pack_is_whole_and_leads_nowhere_else():
    pack = REPOSITORY / "examples/pack"
    pages = sorted(path.stem for path in pack.glob("*/*.html"))
    assert pages == sorted(["index", *(step.notebook for step in agenda.STEPS)])
    for path in [*pack.rglob("*.html")]:
        missing = [link for link in _links(path) if not (path.parent / link).exists()]
        assert missing == [], path.name


def test_the_tour_names_sections_that_the_pages_have():
    tour = (REPOSITORY / "examples/tour.md").read_text(encoding="utf-8")
    pages = [path.read_text(encoding="utf-8") for path in REPOSITORY.glob("examples/pack/*/*.html")]
    asked = re.findall(r"^\d+\. \*([^*]+\?)\*", tour, re.MULTILINE)
    assert len(asked) >= 2
    for heading in asked:
        assert any(f">{heading}</h2>" in page for page in pages), heading


def test_every_benchmark_is_run_by_make_and_told_in_their_readme():
    folder = REPOSITORY / "benchmarks"
    scripts = {path.stem for path in folder.glob("[!_]*.py")}
    rows = re.findall(r"^\| `(\w+)\.py` \|", (folder / "README.md").read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(scripts)
    recipe = re.search(
        r"^bench:.*\n(?:\t.*\n)+", (REPOSITORY / "Makefile").read_text(), re.MULTILINE
    )
    assert scripts <= set(re.findall(r"\w+", recipe[0]))
