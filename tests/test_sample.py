"""The generated sample company keeps the contract it promises to the rest of sopkit."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from sopkit import sample, schema, store

BEFORE = pd.Timestamp("2025-12-01")
KINDS = {
    "today": {},
    "clean": {"is_clean": True},
    "before": {"cycle": BEFORE},
    "seed 1": {"seed": 1},
    "seed 2": {"seed": 2},
}


@pytest.fixture(scope="module")
def company_tables() -> dict[str, pd.DataFrame]:
    return sample.tables(seed=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("raw")
    sample.write(path, seed=0)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_keeps_the_contract(kind, tmp_path):
    raw = tmp_path / "data" / "raw"
    sample.write(raw, **KINDS[kind])
    findings = store.check(tmp_path, KINDS[kind].get("cycle"))
    assert (findings["state"] == "notice").all(), findings
    # the unknown items are planted, all else is in order
    expected = [] if kind == "clean" else [("sales", "item")]
    assert list(findings[["table", "column"]].itertuples(index=False, name=None)) == expected


def test_every_table_is_unique_on_its_key_and_every_raw_table_but_four_is_there(company_tables):
    absent = {"plan_history", "closings", "answers", "policies"}
    assert set(schema.RAW) - set(company_tables) == absent
    keys = {n: [c for c in schema.RAW[n].key if c in t] for n, t in company_tables.items()}
    repeated = {n: int(t.duplicated(keys[n]).sum()) for n, t in company_tables.items()}
    assert set(repeated.values()) == {0}, repeated


def test_clean_has_the_same_tables_and_columns(company_tables):
    clean = sample.tables(seed=0, is_clean=True)
    assert {n: list(t) for n, t in clean.items()} == {n: list(t) for n, t in company_tables.items()}


def test_equal_seeds_give_equal_bytes(folder, tmp_path):
    for path in sample.write(tmp_path, seed=0):
        assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path.name


def test_another_seed_gives_other_sales(folder, tmp_path):
    sample.write(tmp_path, seed=1)
    assert (tmp_path / "sales.csv").read_bytes() != (folder / "sales.csv").read_bytes()


def test_files_keep_codes_months_money_and_blanks_as_text(folder, company_tables):
    raw = {
        n: pd.read_csv(folder / f"{n}.csv", dtype=str, keep_default_na=False)
        for n in company_tables
    }
    assert "00417" in set(raw["items"]["item"])
    assert raw["sales"]["month"].str.fullmatch(r"\d{4}-\d{2}-01").all()
    for name in ("quantity", "ordered_quantity", "on_time_quantity"):
        assert raw["sales"][name].str.fullmatch(r"-?\d+").all()
    assert raw["sales"]["revenue_value"].str.fullmatch(r"-?\d+\.\d{2}").all()
    assert set(raw["sales"]["is_promotion"]) == {"true", "false"}
    assert (raw["submissions"].query("department == 'finance'")["quantity"] == "").all()
    assert b"\r" not in (folder / "sales.csv").read_bytes()


def test_files_stay_small(folder):
    assert len(pd.read_csv(folder / "sales.csv")) < 45_000
    assert (folder / "sales.csv").stat().st_size <= 2.6e6
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 4.2e6


@pytest.mark.parametrize(("cycle", "name"), [(None, "marketing"), (BEFORE, "brand")])
def test_company_settings_survive_the_file(cycle, name, tmp_path):
    sample.write(tmp_path, cycle=cycle)
    settings = yaml.safe_load((tmp_path / "company.yml").read_text(encoding="utf-8"))
    assert settings == sample.company() | {"departments": ["sales", name, "finance"]}


def test_months_are_first_days_in_one_type(company_tables):
    for table, frame in company_tables.items():
        kinds = {column.name: column.kind for column in schema.RAW[table].columns}
        for name in frame:
            if kinds[name] in ("month", "date"):
                assert str(frame[name].dtype) == "datetime64[us]", (table, name)
            if kinds[name] == "month":
                assert (frame[name].dropna().dt.day == 1).all(), (table, name)


def test_every_item_family_and_place_is_known(company_tables):
    items, unknown = company_tables["items"], set(sample.truths(0)["unknown_items"])
    for name, table in company_tables.items():
        for column in {"item", "family"} & set(table):
            assert set(table[column].dropna()) - unknown <= set(items[column]), (name, column)
    bought = set(items.loc[items["is_purchased"], "item"])
    assert bought == set(company_tables["suppliers"]["item"])
    assert set(items["item"]) - bought == set(company_tables["routings"]["item"])
    assert set(company_tables["components"]["component"]) <= bought


def test_the_earlier_cycle_knows_nothing_later(company_tables):
    before = sample.tables(seed=0, cycle=BEFORE)
    for name in ("sales", "inventory", "production", "market", "controls"):
        assert before[name]["month"].max() == pd.Timestamp("2025-11-01"), name
    for name, table in before.items():
        if "cycle" in table and len(table):
            assert table["cycle"].max() <= BEFORE, name
            assert company_tables[name]["cycle"].max() >= BEFORE, name
