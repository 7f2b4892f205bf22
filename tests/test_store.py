"""What store reads, cuts to what was known, writes, publishes, and mends after a crash."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from sopkit import agenda, contract, months, publication, schema, store
from sopkit.months import UsageError

CYCLE = pd.Timestamp("2026-01-01")


def _facts(amount: float) -> pd.DataFrame:
    return pd.DataFrame({"fact": ["a"], "amount": [amount], "kind": ["count"], "text": [""]})


def _stage(root, amount: float) -> None:
    """Something to publish: one table and one page."""
    staged = publication.staging(root, CYCLE)
    staged.mkdir(parents=True)
    _facts(amount).to_parquet(staged / "data_review_facts.parquet")
    page = root / "reports/.staging/2026-01/index.html"
    page.parent.mkdir(parents=True)
    page.write_text(f"page {amount}")


def _published(root) -> tuple[float, str, dict]:
    frame = pd.read_parquet(publication.folder(root, CYCLE) / "data_review_facts.parquet")
    page = (root / "reports/2026-01/index.html").read_text()
    return frame["amount"].iloc[0], page, publication.run_record(publication.folder(root, CYCLE))


def test_a_folder_without_raw_tables_is_no_workspace(tmp_path):
    with pytest.raises(UsageError, match="sopkit init"):
        store.open_workspace(tmp_path)


def test_measured_rows_are_known_before_the_cycle_only():
    sales = contract.check_table(
        "sales",
        pd.DataFrame({"item": "A", "month": ["2025-12", "2026-01"], "quantity": ["1", "2"]}),
        contract.Source("sales"),
    ).frame
    assert store.known(sales, "sales", CYCLE)["quantity"].tolist() == [1.0]
    assert "currency" not in store.known(sales.assign(currency="EUR"), "sales", CYCLE)


def test_snapshots_belong_to_their_cycle_and_dated_rows_to_it_and_earlier_ones():
    receipts = pd.DataFrame(
        {
            "item": "A",
            "month": ["2026-01", "2026-02", "2026-03", "2025-12"],
            "kind": "purchase",
            "cycle": ["2026-01", None, "2025-12", "2026-01"],
            "quantity": ["1", "2", "3", "4"],
        }
    )
    typed = contract.check_table("scheduled_receipts", receipts, contract.Source("r")).frame
    known = store.known(typed, "scheduled_receipts", CYCLE)
    assert known["quantity"].tolist() == [1.0, 2.0, 4.0]
    labels = known["month"].map(months.label).tolist()
    assert labels == ["2026-01", "2026-02", "2026-01"]  # what is overdue is due now
    views = pd.DataFrame(
        {
            "department": "sales",
            "cycle": ["2025-12", "2026-01", "2026-02"],
            "month": "2026-03",
            "quantity": ["1", "2", "3"],
        }
    )
    typed = contract.check_table("submissions", views, contract.Source("s")).frame
    assert store.known(typed, "submissions", CYCLE)["quantity"].tolist() == [1.0, 2.0]


def test_the_default_cycle_follows_the_last_whole_month(sales_only):
    assert store.default_cycle(sales_only) == CYCLE
    (sales_only / "data/raw/company.yml").write_text("last_closed_month: '2025-10'\n")
    assert months.label(store.default_cycle(sales_only)) == "2025-11"


@pytest.mark.parametrize(("day", "cycle"), [("2025-12-28", "2026-01"), ("2025-12-27", "2025-12")])
def test_dated_sales_make_a_month_whole_up_to_three_days_before_its_end(sales_only, day, cycle):
    path = sales_only / "data/raw/sales.csv"
    path.write_text(f"item,date,quantity\nA,2025-11-30,3\nA,{day},4\n")
    assert months.label(store.default_cycle(sales_only)) == cycle


def test_a_setting_of_the_wrong_kind_is_refused_with_its_meaning(sales_only):
    (sales_only / "data/raw/company.yml").write_text("horizon: long\n")
    with pytest.raises(ValueError, match="horizon: 'long' cannot be meant. Expected: months"):
        store.settings(sales_only)


def test_inputs_hold_exactly_what_the_step_declares(sales_only):
    tables = store.inputs(sales_only, "data_review", CYCLE)
    step = agenda.step("data_review")
    past = {f"ledger_{name}" for name in step.ledger}
    past |= {f"previous_{name}" for name in step.previous}
    assert set(schema.RAW) - set(step.raw) == {"closings", "choices", "answers", "pulse"}
    running = {f"running_{name}" for name in step.running}
    assert set(tables) == {*step.raw, "findings", "company", *past, *running}
    assert tables["items"].empty and list(tables["items"]) == schema.RAW["items"].column_names
    with pytest.raises(UsageError, match="Run the step data_review first"):
        store.inputs(sales_only, "product_review", CYCLE)


def test_only_the_data_review_sees_the_running_month_and_only_while_it_runs(sales_only):
    assert [step.name for step in agenda.STEPS if step.running] == ["data_review"]
    path = sales_only / "data/raw/sales.csv"
    path.write_text(path.read_text() + "NA,2026-01,7\n")
    tables = store.inputs(sales_only, "data_review", CYCLE)
    assert tables["sales"]["month"].max() < CYCLE
    running = tables["running_sales"]
    assert running.loc[running["month"] == CYCLE, "quantity"].tolist() == [7]
    assert running["month"].min() == months.shift(CYCLE, -12)
    # a cycle that is made later: its month is over
    earlier = store.inputs(sales_only, "data_review", months.shift(CYCLE, -1))
    assert earlier["running_sales"].empty
    # a replay hands over raw tables as they were known
    raw = store.raw_tables(sales_only, CYCLE)
    assert store.inputs(sales_only, "data_review", CYCLE, raw=raw)["running_sales"].empty


def test_an_item_called_na_and_leading_zeros_survive(sales_only):
    tables = store.inputs(sales_only, "data_review", CYCLE)
    assert set(tables["sales"]["item"]) == {"NA", "00123"}


def test_a_breach_writes_nothing(sales_only):
    (sales_only / "data/raw/sales.csv").write_text("item,month,quantity\nA,2025-12,many\n")
    with pytest.raises(contract.ContractError, match="sales.quantity: not a number"):
        store.raw_tables(sales_only, CYCLE)
    assert not (sales_only / "data/processed").exists()


def test_publish_step_refuses_tables_that_break_their_contract(sales_only):
    step = agenda.step("product_review")
    results = {
        name: pd.DataFrame({c: [] for c in schema.PROCESSED[name].columns}) for name in step.writes
    }
    store.publish_step(sales_only, "product_review", CYCLE, results)
    double = pd.concat([_facts(1.0), _facts(2.0)])
    with pytest.raises(contract.ContractError, match="two rows share the key"):
        store.publish_step(
            sales_only, "product_review", CYCLE, results | {"product_review_facts": double}
        )
    with pytest.raises(UsageError, match="differs in: classes"):
        results.pop("classes")
        store.publish_step(sales_only, "product_review", CYCLE, results)


def test_publishing_replaces_tables_and_pages_together(sales_only):
    for amount in (1.0, 2.0):
        _stage(sales_only, amount)
        publication.publish(sales_only, CYCLE, {"n": amount})
    amount, page, record = _published(sales_only)
    assert (amount, page, record["n"]) == (2.0, "page 2.0", 2.0)
    assert not list((sales_only / "data/processed/.previous").iterdir())
    assert not (sales_only / "data/processed/.staging/2026-01").exists()


class _Cut(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("count", range(7))
def test_a_publication_cut_at_any_rename_is_undone_or_finished(sales_only, monkeypatch, count):
    _stage(sales_only, 1.0)
    publication.publish(sales_only, CYCLE, {"n": 1.0})
    _stage(sales_only, 2.0)
    rename, seen = store.Path.rename, []

    def cut(self, target):
        if len(seen) == count:
            raise _Cut
        seen.append(target)
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(store.Path, "rename", cut)
        try:
            publication.publish(sales_only, CYCLE, {"n": 2.0})
        except _Cut:
            assert count < 6
    store.open_workspace(sales_only)
    amount, page, record = _published(sales_only)
    assert page == f"page {amount}" and record["n"] == amount
    assert amount == (2.0 if count == 6 else 1.0)
    if count < 6:  # what was staged is not lost: the next run publishes it
        publication.publish(sales_only, CYCLE, {"n": 2.0})
        assert _published(sales_only)[0] == 2.0


def test_tables_alone_are_published_without_touching_pages(sales_only):
    _stage(sales_only, 1.0)
    publication.publish(sales_only, CYCLE, {"n": 1.0})
    _stage(sales_only, 2.0)
    shutil.rmtree(sales_only / "reports/.staging")
    publication.publish(sales_only, CYCLE, {"n": 2.0})
    assert _published(sales_only)[:2] == (2.0, "page 1.0")


def test_the_ledger_stacks_cycles_in_order(sales_only):
    for cycle in ("2025-11", "2025-12"):
        folder = publication.folder(sales_only, months.parse_cycle(cycle))
        folder.mkdir(parents=True)
        _facts(float(cycle[-2:])).to_parquet(folder / "data_review_facts.parquet")
        (folder / "run.json").write_text(json.dumps({"steps": {}}))
    stacked = store.ledger(sales_only, "data_review_facts")
    assert stacked["amount"].tolist() == [11.0, 12.0]
    before = store.ledger(sales_only, "data_review_facts", before=months.parse_cycle("2025-12"))
    assert before["cycle"].tolist() == [months.parse_cycle("2025-11")]


def test_reading_an_unknown_table_names_the_nearest(sales_only):
    with pytest.raises(UsageError, match="Did you mean 'demand_plan'"):
        store.read(sales_only, "demand_plans", CYCLE)


def test_a_changed_input_changes_the_hash_of_the_steps_that_read_it(sales_only):
    data, product = (
        store.input_marks(sales_only, name, CYCLE) for name in ("data_review", "product_review")
    )
    path = sales_only / "data/raw/sales.csv"
    path.write_text(path.read_text() + "B,2025-12,4\n")
    assert store.input_marks(sales_only, "data_review", CYCLE) != data
    assert store.input_marks(sales_only, "product_review", CYCLE) == product


# settings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: 5", "name: 5 cannot be meant. Expected: name on every page"),
        ("name: null", "name: blank cannot be meant"),
        ("currency: 978", "currency: 978 cannot be meant. Expected: reporting currency"),
        ("planning_unit: [a]", "planning_unit"),
        (
            "fiscal_year_first_month: 0",
            "fiscal_year_first_month: 0 cannot be meant. Expected: first",
        ),
        ("fiscal_year_first_month: 13", "fiscal_year_first_month: 13"),
        ("fiscal_year_first_month: July", "fiscal_year_first_month: 'July'"),
        ("departments: sales", "departments: 'sales' cannot be meant. Expected: departments that"),
        ("horizon: 0", "horizon: 0"),
        ("horizon: 121", "horizon: 121 cannot be meant. Expected: months planned ahead, 1 to 120"),
        ("horizon: true", "horizon: yes cannot be meant"),
        ("horizon: '18'", "horizon: '18'"),
        ("tolerance_rate: 1.5", "tolerance_rate: 1.5 cannot be meant. Expected: share of money"),
        ("tolerance_rate: -0.1", "tolerance_rate: -0.1"),
        ("tolerance_rate: .nan", "tolerance_rate: nan"),
        ("tolerance_rate: 1%", "tolerance_rate: '1%'"),
        ("materiality_value: -1", "materiality_value: -1"),
        ("service_levels: 0.95", "service_levels: 0.95 cannot be meant. Expected: chance"),
        ("service_levels: {default: 1}", "below 1"),
        ("service_levels: {default: 0}", "above 0"),
        ("service_levels: {Tents: high}", "service_levels"),
        ("service_levels: {Tents: 95}", "service_levels"),
        ("unknown_sales: 2025-11", "unknown_sales: '2025-11' cannot be meant"),
        ("sales_basis: orders", "sales_basis: 'orders' cannot be meant. Expected: .*shipped"),
        ("frozen_months: 2", "frozen_months: 2"),
        ("firm_months: {default: 25}", "firm_months"),
        ("meetings: {demand_review: 32}", "meetings"),
        ("strategic_years: 11", "strategic_years: 11"),
        ("last_closed_month: 202510", "last_closed_month: 202510 cannot be meant"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_with_what_can(sales_only, text, words):
    (sales_only / "data/raw/company.yml").write_text(text + "\n")
    with pytest.raises(ValueError, match=f"company.yml: .*{words}"):
        store.settings(sales_only)


@pytest.mark.parametrize(
    "text",
    [
        "horizon: 120",
        "fiscal_year_first_month: 12",
        "tolerance_rate: 0",
        "service_levels: {}",
        "service_levels: {default: 0.01, Tents: 0.9999}",
        "sales_basis: ordered",
        "departments: []",
        "materiality_value: 0",
    ],
)
def test_a_setting_at_the_end_of_its_range_is_taken(sales_only, text):
    (sales_only / "data/raw/company.yml").write_text(text + "\n")
    assert store.settings(sales_only)


def test_a_calendar_wins_over_the_fiscal_year_of_company_yml(sales_only):
    raw = sales_only / "data/raw"
    (raw / "company.yml").write_text("fiscal_year_first_month: 1\n")
    lines = [
        f"{month:%Y-%m},{month:%Y-%m-%d},{month + pd.offsets.MonthEnd(0):%Y-%m-%d},"
        f"{month.year - (month.month < 4)}"  # April on, named by the year it begins in
        for month in months.span(pd.Timestamp("2023-07-01"), 36)
    ]
    (raw / "calendar.csv").write_text("month,first_date,last_date,fiscal_year\n" + "\n".join(lines))
    row = store.company(sales_only).iloc[0]
    assert (row["fiscal_year_first_month"], row["fiscal_year_shift"]) == (4, -1)


def test_days_fall_into_the_companys_periods_and_none_is_lost(sales_only):
    raw = sales_only / "data/raw"
    (raw / "sales.csv").write_text(
        "item,date,quantity\nA,2025-10-26,1\nA,2025-10-27,2\nA,2025-11-23,4\nA,2025-11-24,8\n"
        "A,2025-12-28,16\n"
    )
    (raw / "calendar.csv").write_text(
        "month,first_date,last_date\n2025-10,2025-09-29,2025-10-26\n"
        "2025-11,2025-10-27,2025-11-23\n2025-12,2025-11-24,2025-12-28\n"
    )
    assert store.default_cycle(sales_only) == CYCLE  # December of weeks ends on the 28th
    sales = store.inputs(sales_only, "data_review", CYCLE)["sales"].set_index("month")["quantity"]
    assert {months.label(month): units for month, units in sales.items()} == {
        "2025-10": 1.0,
        "2025-11": 6.0,
        "2025-12": 24.0,
    }


def test_a_day_outside_the_calendar_stops_the_run(sales_only):
    raw = sales_only / "data/raw"
    (raw / "sales.csv").write_text("item,date,quantity\nA,2025-12-28,1\nA,2025-12-30,2\n")
    (raw / "calendar.csv").write_text("month,first_date,last_date\n2025-12,2025-12-01,2025-12-28\n")
    with pytest.raises(contract.ContractError, match="a day that no period of the calendar holds"):
        store.raw_tables(sales_only, CYCLE)


# what was known when


def test_a_row_with_a_known_month_is_hidden_from_the_cycles_before_it():
    items = contract.check_table(
        "items",
        pd.DataFrame({"item": ["A", "B", "C"], "known_month": [None, "2026-01", "2026-02"]}),
        contract.Source("items"),
    ).frame
    assert store.known(items, "items", CYCLE)["item"].tolist() == ["A", "B"]
    assert store.known(items, "items", months.shift(CYCLE, -1))["item"].tolist() == ["A"]
    assert store.known(items, "items", months.shift(CYCLE, 1))["item"].tolist() == ["A", "B", "C"]


@pytest.mark.parametrize("name", ["orders", "scheduled_receipts"])
def test_what_is_overdue_in_its_own_cycle_is_due_in_its_month(name):
    raw = pd.DataFrame(
        {
            "item": "A",
            "month": ["2025-06", "2025-12", "2026-01", "2026-05"],
            "cycle": ["2026-01", None, "2026-01", None],
            "quantity": [1, 2, 4, 8],
        }
    )
    raw = raw.assign(kind="purchase") if name == "scheduled_receipts" else raw
    frame = contract.check_table(name, raw, contract.Source(name)).frame
    known = store.known(frame, name, CYCLE)
    # without a cycle nobody knows whether an overdue row still stands: only the months ahead count
    assert known.groupby("month")["quantity"].sum().tolist() == [5.0, 8.0]
    assert frame["month"].min() == pd.Timestamp("2025-06-01")  # its argument is left alone


def test_a_blank_setting_without_a_default_counts_as_left_out(sales_only):
    (sales_only / "data/raw/company.yml").write_text("sales_basis:\nlast_closed_month:\n")
    assert store.settings(sales_only) == {}
    assert store.company(sales_only)["sales_basis"].iloc[0] is None


# what people enter


def _said(units: float = 10.0, **more) -> pd.DataFrame:
    return pd.DataFrame([{"department": "sales", "month": "2026-02", "quantity": units} | more])


def _add(root, frame, author="M. Keller", when="2026-01-05 09:00", table="submissions"):
    when = pd.Timestamp(when)
    return store.add(root, table, frame, cycle=CYCLE, author=author, entered_at=when)


def _submissions(root) -> pd.DataFrame:
    return store.raw_tables(root, CYCLE)[0]["submissions"]


def test_an_entry_is_one_new_file_that_counts_without_a_main_file(sales_only):
    path = _add(sales_only, _said())
    assert path.parent == sales_only / "data/raw/submissions"
    assert path.name.startswith("2026-01_M-Keller_") and path.suffix == ".csv"
    row = _submissions(sales_only).iloc[0]
    assert (row["quantity"], row["author"], row["cycle"]) == (10.0, "M. Keller", CYCLE)
    assert row["entered_at"] == pd.Timestamp("2026-01-05 09:00")


def test_the_later_entry_wins_whatever_the_files_are_called(sales_only):
    main = sales_only / "data/raw/submissions.csv"
    main.write_text("department,cycle,month,quantity\nsales,2026-01,2026-02,5\n")
    for author, when, units in (("zoe", "09:00", 30), ("adam", "11:00", 10), ("mia", "10:00", 20)):
        _add(sales_only, _said(units), author, f"2026-01-05 {when}")
    frame = _submissions(sales_only)
    assert frame[["quantity", "author"]].to_numpy().tolist() == [[10.0, "adam"]]


def test_adding_twice_in_one_moment_keeps_both_and_overwrites_nothing(sales_only):
    first = _add(sales_only, _said(1.0))
    before = first.read_bytes()
    assert _add(sales_only, _said(1.0)) == first and first.read_bytes() == before
    second = _add(sales_only, _said(2.0))
    assert second != first and first.read_bytes() == before
    assert len(list(first.parent.iterdir())) == 2  # and nothing half written


@pytest.mark.parametrize("author", ["../../evil", "/etc/x", "a\\..\\b", "x\n../y", "é" * 300])
def test_a_name_cannot_leave_the_folder(sales_only, author):
    path = _add(sales_only, _said(), author)
    assert path.resolve().parent == sales_only / "data/raw/submissions" and path.is_file()


@pytest.mark.parametrize("author", ["", "  ", "../..", "\n"])
def test_an_author_without_a_name_is_refused(sales_only, author):
    with pytest.raises(UsageError, match="is no name"):
        _add(sales_only, _said(), author)
    assert not (sales_only / "data/raw/submissions").exists()


def test_only_what_people_enter_can_be_added(sales_only):
    with pytest.raises(UsageError, match="nobody enters 'sales' through sopkit"):
        _add(sales_only, _said(), table="sales")
    with pytest.raises(UsageError, match="Did you mean 'decisions'"):
        _add(sales_only, _said(), table="decision")


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (_said(-1.0), "an impossible value: below 0"),
        (_said(quantity="many"), "not a number"),
        (_said(quantity=None), "none of them is given"),
        (_said(reason="two\nlines"), "control character"),
        (pd.concat([_said(1.0), _said(2.0)]), "rows share one key"),
        (_said().iloc[:0], "the table has no rows"),
        (_said().drop(columns="department"), "a required column is missing"),
    ],
)
def test_an_entry_that_breaks_the_contract_writes_nothing(sales_only, frame, words):
    with pytest.raises(contract.ContractError, match=words):
        _add(sales_only, frame)
    assert not (sales_only / "data/raw/submissions").exists()


def test_an_added_file_changes_the_hash_of_the_steps_that_read_its_table(sales_only):
    before = [store.input_marks(sales_only, n, CYCLE) for n in ("demand_review", "supply_review")]
    _add(sales_only, _said())
    after = [store.input_marks(sales_only, n, CYCLE) for n in ("demand_review", "supply_review")]
    assert before[0] != after[0] and before[1] == after[1]


def test_a_table_may_be_given_by_its_folder_alone_and_messages_name_the_file(sales_only):
    raw = sales_only / "data/raw"
    lines = (raw / "sales.csv").read_text().splitlines()
    (raw / "sales.csv").unlink()
    (raw / "sales").mkdir()
    for name, part in (("a", lines[1:31]), ("b", lines[31:])):
        (raw / f"sales/{name}.csv").write_text("\n".join([lines[0], *part, ""]))
    assert len(store.raw_tables(sales_only, CYCLE)[0]["sales"]) == 60
    (raw / "sales/c.csv").write_text("\n".join([lines[0], lines[31], ""]))
    finding = store.check(sales_only, CYCLE).iloc[0]
    assert finding["message"] == "rows of several files share one key."
    assert finding["first_row"] == "line 2 of data/raw/sales/b.csv"
    (raw / "sales/c.csv").write_text(f"{lines[0]}\nNA,2025-12,many\n")
    finding = store.check(sales_only, CYCLE).iloc[0]
    assert finding["message"] == "not a number."
    assert finding["first_row"] == "line 2 of data/raw/sales/c.csv holds 'many'"


def test_files_and_folders_that_nobody_reads_are_named(sales_only):
    raw = sales_only / "data/raw"
    (raw / "submissions").mkdir()
    (raw / "submissions/notes.txt").write_text("x")
    (raw / "submission").mkdir()
    (raw / "archive").mkdir()
    (raw / "scenario").mkdir()
    found = store.check(sales_only, CYCLE)
    strays = found[found["message"].str.contains("nobody reads")]["table"].tolist()
    assert strays == ["scenario/", "submission/", "submissions/notes.txt"]


def test_a_run_leaves_receipts_where_they_are(sales_only):
    path = store.keep_receipt(sales_only, CYCLE, "sales_Zoe_1", "<p>good</p>")
    _stage(sales_only, 1.0)
    publication.publish(sales_only, CYCLE, {"n": 1.0})
    assert path.read_text() == "<p>good</p>"


def test_a_scenario_file_changes_what_the_reconciliation_reads_and_nothing_else(hill, tmp_path):
    root = tmp_path / "hill"
    shutil.copytree(hill, root)
    cycle = pd.Timestamp("2026-01-01")
    names = [step.name for step in agenda.STEPS if step.name != "executive_review"]
    before = {name: store.input_marks(root, name, cycle) for name in names}
    content = {"name": "Dry", "statement": "S", "owner": "O", "kind": "outside"}
    content["changes"] = [{"demand": {"family": "Tents", "rate": 0.1}}]
    path = store.add_scenario(root, content, cycle=cycle, author="Ada")
    moved = {name for name in names if store.input_marks(root, name, cycle) != before[name]}
    assert moved == {"reconciliation"}
    given = store.inputs(root, "reconciliation", cycle)["scenario_files"]
    assert given["scenario"].tolist() == ["dry"] and given["problem"].tolist() == [""]
    assert given["content"][0]["author"] == "Ada" and path.suffix == ".yml"
    assert "scenario_files" not in store.inputs(root, "supply_review", cycle)


def test_an_earlier_cycle_knows_no_scenario_of_a_later_one(hill, tmp_path):
    root = tmp_path / "hill"
    shutil.copytree(hill, root)
    later = pd.Timestamp("2026-01-01")
    content = {"name": "Dry", "statement": "S", "owner": "O", "kind": "outside"}
    content["changes"] = [{"demand": {"family": "Tents", "first_month": "2026-03", "rate": 0.1}}]
    store.add_scenario(root, content, cycle=later, author="Ada")
    assert (store.check(root, pd.Timestamp("2025-06-01"))["state"] != "breach").all()


def test_a_plan_that_an_older_version_left_is_read_as_if_nothing_was_agreed(tmp_path):
    row = dict.fromkeys("statistical events departments overrides consensus".split(), 2.0)
    key = {"item": "A", "location": "all", "channel": "all", "month": pd.Timestamp("2026-01-01")}
    (tmp_path / "data/raw").mkdir(parents=True)
    path = publication.folder(tmp_path, pd.Timestamp("2025-12-01")) / "demand_plan.parquet"
    publication.write_parquet(pd.DataFrame([key | row]), path)
    publication.write_record(path.parent, {"steps": {}})
    read = store.read(tmp_path, "demand_plan", pd.Timestamp("2025-12-01"))
    assert read["constrained"].tolist() == [2.0]
    assert store.ledger(tmp_path, "demand_plan")["constrained"].tolist() == [2.0]


def test_a_history_and_a_forecast_of_an_older_version_are_read_without_effects(tmp_path):
    month = pd.Timestamp("2025-12-01")
    key = {"item": "A", "location": "all", "channel": "all", "month": month}
    sold = "sales returns unfilled stockout outlier demand revenue_value".split()
    said = "quantity quantity_lower quantity_upper".split()
    (tmp_path / "data/raw").mkdir(parents=True)
    for name, columns in (("demand_history", sold), ("forecast", said)):
        path = publication.folder(tmp_path, month) / f"{name}.parquet"
        row = key | dict.fromkeys(columns, 2.0) | ({"model": "theta"} if columns is said else {})
        publication.write_parquet(pd.DataFrame([row]), path)
    publication.write_record(path.parent, {"steps": {}})
    history = store.read(tmp_path, "demand_history", month)
    assert history[["baseline", "promotion", "level_shift"]].values.tolist() == [[2.0, 0.0, 0.0]]
    assert store.read(tmp_path, "forecast", month)["coherence"].tolist() == [0.0]
