"""What a second start of the demo need not do again."""

import socket
import threading

from demo import run
from demo.processes import Processes


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


def test_a_shop_of_another_version_is_begun_anew_and_a_database_of_ones_own_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.delenv("DEMO_DATABASE_URL", raising=False)
    assert not run.is_outgrown(tmp_path)  # nothing is there yet
    (tmp_path / "db.sqlite3").touch()
    assert run.is_outgrown(tmp_path)
    run.schema_file(tmp_path).write_text(run.schema())
    assert not run.is_outgrown(tmp_path)
    run.schema_file(tmp_path).write_text("older")
    assert run.is_outgrown(tmp_path)
    monkeypatch.setenv("DEMO_DATABASE_URL", "postgres://somewhere/mine")
    assert not run.is_outgrown(tmp_path)


def test_an_answer_that_is_none_is_waited_out(tmp_path):
    """On a port that nobody has yet, the question may be connected to itself and come back as the answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            for reply in (None, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):
                connection, _ = server.accept()
                with connection:
                    asked = connection.recv(1000)
                    connection.sendall(reply or asked)

        thread = threading.Thread(target=answer)
        thread.start()
        Processes(tmp_path, {}).wait_for("world", f"http://127.0.0.1:{server.getsockname()[1]}/health", timeout=5)
        thread.join(5)
