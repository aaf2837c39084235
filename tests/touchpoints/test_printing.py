"""What leaves for the printer: read back by another reader, measured, and looked into for its fonts."""

import io
import re
import threading
from contextlib import suppress
from xml.etree import ElementTree

import pypdfium2 as pdfium
import pytest
import qrcode
import zxingcpp
from PIL import Image
from qrcode.constants import ERROR_CORRECT_Q

from post_purchase.printing.card import MM, Card, Design
from post_purchase.printing.drawing_room import one_at_a_time
from post_purchase.printing.layouts import EDGE, imposed, layouts, papers
from post_purchase.printing.pictures import preview
from post_purchase.printing.qr import capital_url, pdf_squares, qr_png, quick_matrix, quick_png, quick_svg, short_text
from post_purchase.printing.scan_check import check
from post_purchase.printing.sheets import PrintRefused, sheet_for, write_pdf
from post_purchase.printing.typesetting import Typesetter

URL = "https://app.example.test/c/AB3KQ9ZT7MXW2LHC"
WORDS = {
    "en": "Thank you for your order!",
    "el": "Ευχαριστούμε!",
    "ru": "Спасибо за заказ!",
    "ar": "شكرًا لطلبك رقم 1001 من WhatsApp",
    "he": "תודה על ההזמנה",
    "ja": "ご注文ありがとうございます",
    "ko": "주문해 주셔서 감사합니다",
    "zh": "感谢您的订购",
    "th": "ขอบคุณสำหรับคำสั่งซื้อ",
}


def urls(count: int) -> list[str]:
    return [f"https://app.example.test/c/AB3KQ9ZT7MX{number:05d}" for number in range(count)]


def logo(color: str = "#d9642b") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 120), color).save(out, "PNG")
    return out.getvalue()


def design(key: str = "business_card", **changes) -> Design:
    words = {"headline": "Thank you!", "body": "Questions? We answer.", "call": "Scan to chat", "small": "{address}"}
    return Design(layout=layouts()[key], **(words | {"brand": "Fern & Field"} | changes))


def printed(what: Design, addresses: list[str], **options) -> pdfium.PdfDocument:
    out = io.BytesIO()
    card = write_pdf(out, what, addresses, sample_url=addresses[0], **options)
    assert card.problems == []
    return pdfium.PdfDocument(out.getvalue())


def codes_on(page, dpi: int = 200) -> list[str]:
    picture = page.render(scale=dpi / 72).to_pil()
    return [found.text for found in zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)]


@pytest.mark.parametrize("number", range(12))
def test_the_quick_writer_agrees_with_another_one_module_for_module(number):
    url = urls(12)[number]
    ours = [[not cell for cell in row] for row in quick_matrix(url)]
    others = []
    for mask in range(8):
        code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, border=0, mask_pattern=mask)
        code.add_data(capital_url(url))
        code.make(fit=True)
        others.append([[bool(cell) for cell in row] for row in code.get_matrix()])
    assert ours in others
    assert len(ours) == 29


def test_a_quick_picture_is_read_back():
    rows = quick_matrix(URL)
    assert zxingcpp.read_barcode(Image.open(io.BytesIO(quick_png(rows)))).text == capital_url(URL)
    assert Image.open(io.BytesIO(quick_png(rows))).width == (29 + 8) * 12 == Image.open(io.BytesIO(qr_png(URL))).width
    assert b"<script" not in quick_svg(rows, title="<script>", caption="<script>")
    dark = sum(row.count(0) for row in rows)
    widths = [int(match.group(1)) for match in re.finditer(rb"(\d+) 1 re", pdf_squares(rows))]
    assert sum(widths) == dark


@pytest.mark.parametrize(
    ("url", "lines"), [(URL, 1), ("https://messages.after.the.purchase.example-shop.test/c/ab3kq9zt7mxw2lhc", 2)]
)
def test_a_single_picture_says_its_code_in_letters_and_is_still_read(url, lines):
    rows = quick_matrix(url)
    written = ElementTree.fromstring(quick_svg(rows, caption=short_text(url)))
    texts = [text.text for text in written.iter("{http://www.w3.org/2000/svg}text")]
    assert "".join(texts) == short_text(url)
    assert len(texts) == lines
    wide, bare = (Image.open(io.BytesIO(quick_png(rows, caption=text))) for text in (short_text(url), ""))
    assert zxingcpp.read_barcode(wide).text == capital_url(url)
    assert wide.width == bare.width
    strip = wide.crop((0, bare.height, wide.width, wide.height))
    assert [bool(row) for row in rows_of(strip)].count(True) > lines * 8  # letters, in rows of their own
    edges = [strip.crop(box) for box in ((0, 0, 2, strip.height), (strip.width - 2, 0, strip.width, strip.height))]
    assert not any(dark for edge in edges for dark in rows_of(edge))  # whole


def rows_of(picture) -> list[int]:
    """How many dark pixels each row has."""
    pixels = picture.convert("L")
    return [pixels.crop((0, y, pixels.width, y + 1)).histogram()[0] for y in range(pixels.height)]


@pytest.mark.parametrize("key", layouts())
def test_every_layout_passes_the_scan_check(key):
    result = check(design(key, logo=logo(), cover=layouts()[key].two_sided), URL)
    assert result.problems == ()
    assert len(result.read) == 9
    assert result.module >= 0.55


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"code_color": "#bbbbbb"}, "too close to the paper's"),
        ({"code_color": "#ffffff", "paper": "#000000"}, "lighter than the paper"),
        ({"headline": "word " * 80}, "The headline is too long"),
        ({"body": "word " * 400}, "The text is too long"),
        ({"headline": "\U00010480 letters"}, "No font has these letters: \U00010480"),
    ],
)
def test_what_phones_or_people_cannot_read_is_refused_in_a_sentence(changes, sentence):
    result = check(design(**changes), URL)
    assert not result.passed
    assert any(sentence in problem for problem in result.problems)


def test_a_code_that_is_too_fine_is_refused():
    long = f"https://{'a-very-long-host-name-' * 12}.example.test/c/AB3KQ9ZT7MXW2LHC"
    checked = check(design("avery_5160"), long)
    assert "The code is too small" in " ".join(checked.problems)
    assert checked.left_out[-1] == "address"


def test_something_in_the_quiet_zone_is_seen(monkeypatch):
    from post_purchase.printing import card

    honest = card.places

    def crowded(layout, **options):
        boxes = honest(layout, **options)
        code = boxes["code"]
        return boxes | {"headline": card.Box(code.x - 10, code.y + 5, code.width, 10)}

    monkeypatch.setattr(card, "places", crowded)
    assert any("too close to the code" in problem for problem in check(design(), URL).problems)


def test_a_logo_that_covers_too_much_of_the_code_is_refused(monkeypatch):
    from post_purchase.printing import card

    assert check(design(logo=logo(), logo_in_code=True), URL).passed
    monkeypatch.setattr(card, "LOGO_SHARE", 0.5)
    problems = " ".join(check(design(logo=logo("#000000"), logo_in_code=True), URL).problems)
    assert "The logo covers 41% of the code" in problems
    assert "could not be read" in problems


def test_each_page_has_its_own_code_and_two_sides_come_front_back():
    pages = printed(design(cover=True), urls(3))
    assert len(pages) == 6
    assert [codes_on(page) for page in pages] == [
        [],
        [capital_url(urls(3)[0])],
        [],
        [capital_url(urls(3)[1])],
        [],
        [capital_url(urls(3)[2])],
    ]
    assert "AB3K-Q9ZT-7MX0-0002" in pages[5].get_textpage().get_text_range()


def test_the_back_of_a_sheet_is_mirrored_for_duplex():
    pages = printed(design("avery_8371", cover=True), urls(3))
    picture = pages[1].render(scale=2).to_pil()
    found = {one.text[-1]: one.position for one in zxingcpp.read_barcodes(picture)}
    middle = picture.width / 2
    assert (found["0"].top_left.x > middle, found["1"].top_left.x > middle) == (True, False)
    assert found["2"].top_left.y > found["0"].top_left.y


def test_a_sheet_that_lies_wide_is_turned_over_its_short_edge():
    """Turned over like a leaf of a book each back lies behind its front, upright, also where the sheet is not full."""
    for layout, paper, edge in (("business_card", "a4", "Short"), ("a6", "a4", "Short"), ("avery_8371", "", "Long")):
        out = io.BytesIO()
        write_pdf(out, design(layout, cover=True), urls(2), sample_url=urls(1)[0], paper=paper)
        assert f"/Duplex/DuplexFlip{edge}Edge".encode() in out.getvalue(), layout
        sheet, width = sheet_for(layouts()[layout], paper=paper), layouts()[layout].width
        found = zxingcpp.read_barcodes(pdfium.PdfDocument(out.getvalue())[1].render(scale=3).to_pil())
        assert len(found) == 2
        for one in found:
            right = (sheet.width - sheet.corner(int(one.text[-1]))[0]) * MM * 3  # of the back, in pixels
            assert right - width * MM * 3 < one.position.top_left.x < right, (layout, one.text)
            assert one.position.top_left.y < one.position.bottom_left.y
    out = io.BytesIO()
    write_pdf(out, design(), urls(1), sample_url=URL)
    assert b"/Duplex" not in out.getvalue()


@pytest.mark.parametrize("paper", papers())
@pytest.mark.parametrize("key", [key for key, each in layouts().items() if not each.sheet])
def test_what_fits_within_the_edges_of_an_office_sheet_lies_there(key, paper):
    layout = layouts()[key]
    try:
        sheet = imposed(layout, paper)
    except ValueError:
        return
    size = sorted((sheet.width, sheet.height))
    if all(side + 2 * EDGE <= room for side, room in zip(sorted((layout.width, layout.height)), size, strict=True)):
        assert min(sheet.left, sheet.top) >= EDGE


def test_labels_lie_where_the_stock_has_them():
    pages = printed(design("avery_l7160"), urls(22))
    assert len(pages) == 2
    assert pages[0].get_size() == pytest.approx((210 * MM, 297 * MM), abs=0.1)
    found = codes_on(pages[0], 300)
    assert sorted(found) == [capital_url(url) for url in urls(21)]
    sheet = layouts()["avery_l7160"].sheet
    last = sheet.corner(20)
    assert last == pytest.approx((7.21 + 2 * 66.04, 15.15 + 6 * 38.1))
    for layout in layouts().values():
        if layout.sheet:
            right, bottom = layout.sheet.corner(layout.sheet.pieces - 1)
            assert right + layout.width <= layout.sheet.width
            assert bottom + layout.height <= layout.sheet.height


def test_bleed_and_crop_marks_are_outside_the_trimmed_card():
    pages = printed(design(cover=True), [URL], marks=True)
    page = pages[0]
    assert page.get_size() == pytest.approx(((85 + 18) * MM, (55 + 18) * MM), abs=0.1)
    assert page.get_trimbox() == pytest.approx((9 * MM, 9 * MM, 94 * MM, 64 * MM), abs=0.1)
    assert page.get_bleedbox() == pytest.approx((6 * MM, 6 * MM, 97 * MM, 67 * MM), abs=0.1)
    picture = page.render(scale=4).to_pil().convert("RGB")
    at = lambda x, y: picture.getpixel((int(x * MM * 4), int(y * MM * 4)))  # noqa: E731
    assert at(6.5, 30) == (31, 111, 92)  # the colour runs into the bleed
    assert at(5.5, 30) == (255, 255, 255)


def test_cards_share_an_office_sheet_and_what_is_too_large_is_refused():
    assert (
        imposed(layouts()["business_card"], "a4").pieces == 9 or imposed(layouts()["business_card"], "a4").pieces == 8
    )
    assert len(printed(design(), urls(10), paper="a4")) == 2
    assert len(printed(design("a5_fold"), urls(2), paper="a4")) == 2
    with pytest.raises(PrintRefused, match="does not fit"):
        sheet_for(layouts()["a5_fold"], paper="folio")


@pytest.mark.parametrize("language", WORDS)
def test_every_script_is_set_with_embedded_fonts_and_can_be_copied(language):
    words = WORDS[language]
    out = io.BytesIO()
    what = design("a6", language=language, headline=words, body="", small="", call="", brand="", cover=False)
    card = write_pdf(out, what, [URL], sample_url=URL)
    assert card.problems == []
    assert card.typesetter.missing == set()
    data = out.getvalue()
    assert data.count(b"/FontFile") == data.count(b"/FontDescriptor ") > 0
    assert len(data) < 400_000
    told = "".join(text for font in card.typesetter.fonts.values() for text in font.used.values())
    assert set(words.replace(" ", "")) <= set(told)


def test_arabic_is_joined_and_runs_from_right_to_left():
    typesetter = Typesetter("ar")
    block = typesetter.block("مرحبا 12 ABC", width=400, height=100, largest=12)
    assert block.rtl
    texts = []
    for run in block.lines[0].runs:
        texts.append("".join(run.font.used[glyph.gid] for glyph in run.glyphs))
    assert texts[0].strip() == "ABC"
    assert "م" in texts[-1]
    assert texts[-1].strip()[-1] == "م"  # the first letter stands at the right end
    alone = typesetter.block("ح", width=400, height=100, largest=12).lines[0].runs[0].glyphs[0].gid
    joined = {glyph.gid for glyph in block.lines[0].runs[-1].glyphs}
    assert alone not in joined  # inside a word the letter has another form


def test_words_wrap_and_shrink_and_han_punctuation_never_begins_a_line():
    typesetter = Typesetter("ja")
    text = "使い方のご質問や、写真のご感想など、コードを読み取るだけでチャットでお答えします。"
    for width in range(60, 200, 7):
        block = typesetter.block(text, width=width, height=400, largest=10)
        firsts = [line.runs[0].font.used[line.runs[0].glyphs[0].gid] for line in block.lines]
        assert not set(firsts) & set("、。")
        assert all(line.width / 1000 * block.size <= width + block.size for line in block.lines)
    endless = Typesetter("en").block("A" * 200, width=50, height=400, largest=10)
    assert all(line.width / 1000 * endless.size <= 50 for line in endless.lines)
    assert not Typesetter("en").block("word " * 99, width=50, height=20, largest=10).fits


def test_a_word_is_made_smaller_before_it_is_cut():
    block = Typesetter("th").block("ขอบคุณสำหรับคำสั่งซื้อ!", width=110, height=60, largest=14, bold=True)
    assert (len(block.lines), block.fits) == (1, True)
    assert block.size < 14


def written(block) -> str:
    """The line as it is read from the left."""
    return "".join("".join(run.font.used[glyph.gid] for glyph in run.glyphs) for run in block.lines[0].runs)


@pytest.mark.parametrize(("language", "words"), [("ar", "أو اكتب الرمز في {}"), ("he", "או הקלידו את הקוד בכתובת {}")])
@pytest.mark.parametrize("address", ["192.168.1.5:8000/C", "CHAT.EXAMPLE.COM/C", "10.0.0.7/C"])
def test_an_address_in_a_line_from_right_to_left_is_not_turned_around(language, words, address):
    block = Typesetter(language).block(words.format(address), width=900, height=100, largest=12)
    assert block.rtl
    assert written(block).startswith(address)


def test_a_round_sticker_shortens_the_words_before_the_address():
    def drawn(url, left_out):
        card = Card(design("round_sticker", body="", small=""), url)
        lines = []
        for part in card.code(url, "").split(b"Tm <")[1:]:
            glyphs = part.split(b">")[0].decode()
            names = {f"{gid:04X}": letter for letter, (gid, _) in card.letters.items()}
            lines.append("".join(names[glyphs[at : at + 4]] for at in range(0, len(glyphs), 4)))
        assert card.problems == []
        assert card.left_out == left_out
        assert ("call" in card.boxes) == ("call" not in left_out)
        return lines

    groups = "AB3K-Q9ZT-7MXW-2HHC"
    url = "https://{}/c/AB3KQ9ZT7MXW2HHC"
    assert drawn(url.format("chat.example.com"), ("brand",)) == ["CHAT.EXAMPLE.COM/C", groups]
    long = url.format("a-very-long-server.of-some-company.example.com")
    assert drawn(long, ("brand", "call")) == ["A-VERY-LONG-SERVER.OF-", "SOME-COMPANY.EXAMPLE.COM/C", groups]
    endless = url.format("a-very-long-name-of-a-server.of-some-company-with-a-name-of-many-words.example.com")
    assert drawn(endless, ("brand", "address")) == [groups]


@pytest.mark.parametrize(
    ("key", "changes", "lost"),
    [
        ("round_sticker", {"logo": logo()}, ("logo", "body", "small")),
        ("round_sticker", {"logo": logo(), "logo_in_code": True}, ("body", "small")),
        ("avery_5160", {}, ("brand", "call", "small")),
        ("avery_l7160", {}, ("call",)),
        ("avery_l7160", {"call": ""}, ()),
        ("a5_fold", {"logo": logo()}, ("logo",)),
        ("a5_fold", {"logo": logo(), "cover": True}, ()),
        ("a6", {"headline": "", "body": ""}, ("small",)),
        ("a6", {"logo": logo()}, ()),
    ],
)
def test_what_a_layout_has_no_room_for_is_named(key, changes, lost):
    assert check(design(key, **changes), URL).left_out == lost


@pytest.mark.parametrize("key", sorted(layouts()))
@pytest.mark.parametrize("small", ["Fern & Field, London", ""])
def test_the_address_stands_on_every_layout_also_where_the_small_print_leaves_it_out(key, small):
    page = printed(design(key, small=small), [URL], alone=True)[0]
    assert "APP.EXAMPLE.TEST/C" in page.get_textpage().get_text_range().replace("\r\n", "")


def test_control_characters_cannot_turn_the_text_around():
    plain = Typesetter("en").block("abc\u202edef\0", width=400, height=100, largest=12)
    assert len(plain.lines[0].runs) == 1
    assert (
        plain.lines[0].runs[0].width
        == Typesetter("en").block("abcdef", width=400, height=9, largest=12).lines[0].runs[0].width
    )


def test_a_long_run_is_one_file_whose_objects_are_all_found():
    addresses = urls(250)
    out = io.BytesIO()
    heard: list[int] = []
    write_pdf(out, design(), addresses, sample_url=addresses[0], on_sheet=heard.append)
    data = out.getvalue()
    document = pdfium.PdfDocument(data)
    assert (len(document), heard[-1]) == (250, 250)
    assert codes_on(document[249]) == [capital_url(addresses[249])]
    start = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    for line in data[start:].split(b"trailer")[0].split(b"\n")[2:]:
        if line.endswith(b" n "):
            assert re.match(rb"\d+ 0 obj", data[int(line[:10]) :][:20])
    assert len(data) < 250 * 2000


def test_the_preview_shows_each_side_as_it_is_printed():
    pictures = preview(design(cover=True), URL)
    assert len(pictures) == 2
    assert zxingcpp.read_barcode(Image.open(io.BytesIO(pictures[1]))).text == capital_url(URL)


def test_only_one_card_of_a_process_is_drawn_at_a_time_and_an_error_lets_the_next_one_in():
    inside, most, lock = 0, 0, threading.Barrier(3)

    @one_at_a_time
    def draw(fails: bool) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        check(design(), URL)  # lets other threads run
        inside -= 1
        if fails:
            raise ValueError

    def run(fails: bool) -> None:
        lock.wait()
        with suppress(ValueError):
            draw(fails)

    threads = [threading.Thread(target=run, args=(fails,)) for fails in (True, False, True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, inside, [thread.is_alive() for thread in threads]) == (1, 0, [False] * 3)
