"""SQL files: what they say about themselves never reaches the database."""

from typing import Any

import pytest
from django.db import connection
from psycopg import sql

from apps.core.sql import APPS, read_sql

FILES = sorted((path.parent.parent.name, path.stem) for path in APPS.glob("*/sql/*.sql"))


@pytest.mark.parametrize(("app", "name"), FILES, ids="/".join)
def test_no_comment_is_left_in_what_is_run(app: str, name: str) -> None:
    whole = (APPS / app / "sql" / f"{name}.sql").read_text()
    assert "--" not in read_sql(app, name)
    assert whole.count(";\n") == read_sql(app, name).count(";\n")


@pytest.mark.django_db
def test_a_value_with_a_line_break_does_not_get_out_of_a_comment(tmp_path: Any, monkeypatch: Any) -> None:
    (tmp_path / "some" / "sql").mkdir(parents=True)
    text = "-- of %(team)s\nSELECT %(team)s, 'it -- stays'  -- of %(team)s, the reader's\n"
    (tmp_path / "some" / "sql" / "which.sql").write_text(text)
    monkeypatch.setattr("apps.core.sql.APPS", tmp_path)
    read = read_sql.__wrapped__("some", "which")  # what is remembered is of the real apps
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(read), {"team": "a\n; SELECT 1/0 --"})
        assert cursor.fetchone() == ("a\n; SELECT 1/0 --", "it -- stays")
