"""Both places for files keep the same promises: a folder, and a bucket over real HTTP."""

import contextlib

import pytest

from shopapp.lib.stored_files import delete, delete_folder, open_file, read, save, size, writing
from tests.bucket import BUCKET, bucket, no_bucket


@pytest.fixture(params=["folder", "bucket"])
def place(request, media, monkeypatch):
    with bucket(monkeypatch) if request.param == "bucket" else contextlib.nullcontext():
        yield


def test_what_is_saved_is_read_and_goes(place):
    save("ab/cdef.jpg", b"one")
    save("ab/cdef.jpg", b"another")  # the same name again
    assert (read("ab/cdef.jpg"), size("ab/cdef.jpg")) == (b"another", 7)
    with open_file("ab/cdef.jpg") as file:
        assert b"".join(file.chunks(3)) == b"another"
    delete(["ab/cdef.jpg", "ab/cdef.jpg", "never/there.jpg", ""])
    assert read("ab/cdef.jpg") is None


@pytest.mark.parametrize("name", ["", "../secret.jpg", "ab/../../secret.jpg", "nothing.jpg", "ab"])
def test_no_other_name_leads_anywhere(place, media, name):
    (media / "secret.jpg").write_bytes(b"secret")
    save("ab/cdef.jpg", b"one")
    assert read(name) is None
    delete([name] if name != "ab" else [])
    assert (media / "secret.jpg").read_bytes() == b"secret"
    assert read("ab/cdef.jpg") == b"one"


def test_a_file_that_is_not_written_to_its_end_is_not_there(place):
    with pytest.raises(ZeroDivisionError), writing("print/big.pdf") as out:
        out.write(b"x" * 100_000)
        raise ZeroDivisionError
    assert read("print/big.pdf") is None
    with writing("print/big.pdf", alone=True) as out:
        out.writelines([b"y" * 100_000] * 30)
    assert read("print/big.pdf") == b"y" * 3_000_000


def test_a_folder_goes_with_all_that_is_in_it_and_its_neighbours_stay(place):
    for number in range(3):
        save(f"print/one/{number}.pdf", b"x")
    save("print/one-more.pdf", b"x")
    save("print/oneself/0.pdf", b"x")
    delete_folder("print/one")
    delete_folder("print/never")
    delete_folder("")
    assert [read(f"print/one/{number}.pdf") for number in range(3)] == [None] * 3
    assert (read("print/one-more.pdf"), read("print/oneself/0.pdf")) == (b"x", b"x")


def save_again():
    save("ab/cdef.jpg", b"two")


def write_again():
    with writing("ab/cdef.jpg") as out:
        out.write(b"two")


DOINGS = {
    "save": save_again,
    "write": write_again,
    "read": lambda: read("ab/cdef.jpg"),
    "size": lambda: size("ab/cdef.jpg"),
    "delete": lambda: delete(["ab/cdef.jpg"]),
    "delete_folder": lambda: delete_folder("ab"),
}


@pytest.mark.parametrize("doing", DOINGS)
def test_a_bucket_that_is_away_is_an_error_like_a_broken_disk(monkeypatch, doing):
    with no_bucket(monkeypatch), pytest.raises(OSError, match="the bucket did not answer") as caught:
        DOINGS[doing]()
    assert caught.value.strerror == "the bucket did not answer (EndpointConnectionError)"


def test_a_bucket_that_is_not_there_says_so(media, monkeypatch):
    with bucket(monkeypatch) as client:
        client.delete_bucket(Bucket=BUCKET)
        with pytest.raises(OSError, match=r"the bucket refused it \(NoSuchBucket\)"):
            save("ab/cdef.jpg", b"one")
