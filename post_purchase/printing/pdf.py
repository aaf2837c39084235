"""A PDF written as it is made: objects leave at once, only their offsets stay, so 50,000 pages cost no memory.

reportlab and fpdf2 keep each page until the end (docs/adr/0017). ISO 32000-1, sections 7.5 and 7.7.
"""

import base64
import zlib
from array import array
from collections.abc import Mapping
from typing import Any, BinaryIO

KIDS = 100  # pages a node of the page tree; readers open a large file by halving, not by walking
HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


DUPLEX = {"": b"", "long": b"/Duplex/DuplexFlipLongEdge", "short": b"/Duplex/DuplexFlipShortEdge"}


class PdfWriter:
    """Objects in, bytes out. `out` needs only write(). `close` writes the page tree and the table of offsets."""

    def __init__(self, out: BinaryIO, *, width: float, height: float, title: str = "", turned_over: str = "") -> None:
        """`width` and `height` of every page in points. `turned_over`: the "long" or "short" edge of a duplex print."""
        self.out = out
        self.at = 0
        self.checksum = 0  # of all that was written
        self.offsets = array("Q", [0])
        self.pages = 0
        self.size = (width, height)
        self.title = title
        self.duplex = DUPLEX[turned_over]
        self.kids: list[int] = []  # pages under the node that is being filled
        self.nodes: list[int] = []
        self._write(HEADER)
        self.root = self.reserve()
        self.node = self.reserve()
        self.resources = self.reserve()

    def reserve(self) -> int:
        """An object number to be used before its content is known."""
        self.offsets.append(0)
        return len(self.offsets) - 1

    def add(self, body: bytes, number: int | None = None) -> int:
        """Write an object; its number."""
        if number is None:
            number = self.reserve()
        self.offsets[number] = self.at
        self._write(b"%d 0 obj\n%b\nendobj\n" % (number, body))
        return number

    def stream(self, data: bytes, entries: bytes = b"", number: int | None = None, *, level: int = 6) -> int:
        packed = zlib.compress(data, level)
        head = b"<<%b/Filter/FlateDecode/Length %d>>stream\n" % (entries, len(packed))
        return self.add(head + packed + b"\nendstream", number)

    def page(self, contents: int, boxes: bytes = b"") -> None:
        """A page that shows this content stream with the shared resources. Several pages may show the same."""
        page = self.add(b"<</Type/Page/Parent %d 0 R/Contents %d 0 R%b>>" % (self.node, contents, boxes))
        self.kids.append(page)
        self.pages += 1
        if len(self.kids) == KIDS:
            self._close_node()
            self.node = self.reserve()

    def state(self) -> dict[str, Any]:
        """What `go_on` needs, as plain data."""
        return {
            "at": self.at,
            "offsets": base64.b64encode(self.offsets.tobytes()).decode(),
            "pages": self.pages,
            "kids": self.kids,
            "nodes": self.nodes,
            "node": self.node,
        }

    def go_on(self, state: Mapping[str, Any]) -> None:
        """From where another writer of the same document stood; its bytes have been written to `out`."""
        self.at, self.pages, self.node = state["at"], state["pages"], state["node"]
        self.offsets = array("Q", base64.b64decode(state["offsets"]))
        self.kids, self.nodes = list(state["kids"]), list(state["nodes"])

    def close(self, resources: bytes) -> None:
        """`resources`: the dictionary that all pages share."""
        if self.kids:
            self._close_node()
        self.add(resources, self.resources)
        width, height = self.size
        kids = b" ".join(b"%d 0 R" % node for node in self.nodes)
        self.add(
            b"<</Type/Pages/Kids[%b]/Count %d/MediaBox[0 0 %b %b]/Resources %d 0 R>>"
            % (kids, self.pages, number(width), number(height), self.resources),
            self.root,
        )
        shown = b"<</PrintScaling/None%b>>" % self.duplex
        catalog = self.add(b"<</Type/Catalog/Pages %d 0 R/ViewerPreferences%b>>" % (self.root, shown))
        about = self.add(b"<</Title %b/Producer(Doorstep)>>" % text_string(self.title))
        self._table(catalog, about)

    def _close_node(self) -> None:
        kids = b" ".join(b"%d 0 R" % page for page in self.kids)
        self.add(b"<</Type/Pages/Parent %d 0 R/Kids[%b]/Count %d>>" % (self.root, kids, len(self.kids)), self.node)
        self.nodes.append(self.node)
        self.kids = []

    def _table(self, catalog: int, about: int) -> None:
        start = self.at
        used = [place for place, offset in enumerate(self.offsets) if offset or not place]
        self._write(b"xref\n")
        for first, count in _runs(used):
            self._write(b"%d %d\n" % (first, count))
            for place in range(first, first + count):
                entry = b"%010d 00000 n \n" % self.offsets[place] if place else b"0000000000 65535 f \n"
                self._write(entry)
        trailer = b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        self._write(trailer % (len(self.offsets), catalog, about, start))

    def _write(self, data: bytes) -> None:
        self.out.write(data)
        self.at += len(data)
        self.checksum = zlib.crc32(data, self.checksum)


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """(first, how many) of the numbers in a row: a node that was reserved and got no page leaves a hole."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place == runs[-1][0] + runs[-1][1]:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((place, 1))
    return runs


def number(value: float) -> bytes:
    """A real without an exponent, in thousandths."""
    return (f"{value:.3f}".rstrip("0").rstrip(".") or "0").replace("-0", "0", value > -0.0005 and value < 0).encode()


def text_string(text: str) -> bytes:
    """Any text as a PDF string: UTF-16 in hexadecimal."""
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"


def dictionary(entries: Mapping[str, int]) -> bytes:
    """`{"F1": 7}` as `<</F1 7 0 R>>`."""
    return b"<<" + b"".join(b"/%b %d 0 R" % (name.encode(), place) for name, place in entries.items()) + b">>"
