"""Many rows are inserted by few statements, in their order, whatever their number."""

import sqlite3

from sqlalchemy import Column, Integer, MetaData, String, Table, insert
from sqlalchemy.dialects.sqlite import dialect

from kmslab.kms.store.statements import SIZES, Cursor

LETTERS = Table(
    "letter",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("a", String),
    Column("b", Integer),
)


def test_rows_are_inserted_in_their_order_by_few_statements() -> None:
    statement = insert(LETTERS)
    for count in (*range(1, 20), 127, 128, 129, 255, 300, 1000):
        raw, run = sqlite3.connect(":memory:"), list[str]()
        raw.execute("CREATE TABLE letter (id INTEGER PRIMARY KEY, a TEXT, b INTEGER)")
        raw.set_trace_callback(run.append)
        rows = [(f"(?) {number}", number) for number in range(count)]
        Cursor(raw.cursor(), dialect(paramstyle="qmark")).insert_all(statement, rows)
        inserts = [each for each in run if each.startswith("INSERT")]
        assert len(inserts) <= count // SIZES[0] + len(SIZES) - 1
        assert raw.execute("SELECT a, b FROM letter ORDER BY id").fetchall() == rows
        raw.close()
