"""What a second start of the demo need not do again."""

from demo import run


def test_the_database_is_prepared_again_only_for_new_migrations(tmp_path, monkeypatch):
    monkeypatch.delenv("DEMO_DATABASE_URL", raising=False)
    assert run.is_new_schema(tmp_path)
    run.schema_file(tmp_path).write_text(run.schema())
    assert run.is_new_schema(tmp_path)  # the stamp alone is no database
    (tmp_path / "db.sqlite3").touch()
    assert not run.is_new_schema(tmp_path)
    run.schema_file(tmp_path).write_text("of an older version")
    assert run.is_new_schema(tmp_path)
    run.schema_file(tmp_path).write_text(run.schema())
    monkeypatch.setenv("DEMO_DATABASE_URL", "postgres://elsewhere")
    assert run.is_new_schema(tmp_path)
