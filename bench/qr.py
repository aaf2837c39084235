"""QR images per second beside a bare loop over the qrcode package."""

import io
import itertools
import os
from pathlib import Path

from bench.machinery import base_environment, heading, median_seconds, row

COUNT = 100


def main(folder: Path, postgres_url: str | None) -> None:
    os.environ.update(
        base_environment(folder, f"sqlite:///{folder}/qr.sqlite3") | {"REDIS_URL": "redis://127.0.0.1:1/0"}
    )
    import django

    django.setup()
    import qrcode

    from post_purchase.printing.qr import qr_png, qr_svg
    from shopapp.lib.crypto import new_code

    numbers = itertools.count()

    def urls() -> list[str]:
        return [f"https://app.example.test/c/{new_code()}" for _ in range(COUNT)]

    def bare() -> None:
        for url in urls():
            next(numbers)
            code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, box_size=12, border=4)
            code.add_data(url.upper())
            code.make(fit=True)
            code.make_image().save(io.BytesIO(), "PNG")

    heading("QR codes (level Q, one core)")
    bound = COUNT / median_seconds(bare)
    png = COUNT / median_seconds(lambda: [qr_png(url) for url in urls()])
    svg = COUNT / median_seconds(lambda: [qr_svg(url) for url in urls()])
    row("bare qrcode loop, PNG", f"{bound:.0f}/s", "", 1.0)
    row("qr_png", f"{png:.0f}/s", f"{bound:.0f}/s", png / bound, "≥ 0.8")
    row("qr_svg", f"{svg:.0f}/s", f"{bound:.0f}/s", svg / bound)
