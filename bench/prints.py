"""Cards as PDF: 1,000 unique business cards against the clock, and a batch of 50,000 through the real job against memory."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

from bench.machinery import base_environment, heading, manage, median_seconds, redis_server, row

COUNT = 1000
BATCH = 50_000
CHILD = """
import json, resource, sys, threading, time
import django
django.setup()
from post_purchase.models import PrintBatch, PrintFile, Touchpoint
from post_purchase.services import print_batches, print_files
from shopapp.lib import clock
from shopapp.models import Shop

def resident():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))

seen, form = {}, sys.argv[1]
shop = Shop.objects.create(domain=f"{form}.myshopify.com", name="Fern & Field", installed_at=clock.now())
card = Touchpoint.objects.create(shop=shop, kind="package_insert", name="Card", options={"cover": form == "pdf"})
print_batches.create_batch(touchpoint=card, quantity=int(sys.argv[2]), name="Run", form=form)
honest = print_files._note
def noted(file, done):
    honest(file, done)
    seen[done] = resident()
print_files._note = noted
started = time.monotonic()
print_files.make_due()
file = PrintFile.objects.get(batch__touchpoint=card)
early = next(value for done, value in sorted(seen.items()) if done >= 5000)
print(json.dumps({"status": file.status, "seconds": time.monotonic() - started, "mb": file.bytes / 1e6,
                  "early": early, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def main(folder: Path, postgres_url: str | None) -> None:
    environment = base_environment(folder, f"sqlite:///{folder}/prints.sqlite3")
    environment |= {"MEDIA_ROOT": str(folder / "media"), "DJANGO_SETTINGS_MODULE": "shopapp.settings"}
    heading("Printed cards (vector PDF, two sides, one core)")
    _thousand(environment)
    with redis_server(folder) as redis_url:
        environment |= {"REDIS_URL": redis_url}
        manage(environment, "migrate", "-v0")
        for form, name in (("pdf", "PDF"), ("png", "ZIP of PNG")):
            done = subprocess.run(
                [sys.executable, "-c", CHILD, form, str(BATCH)],
                env=os.environ | environment,
                check=True,
                capture_output=True,
                text=True,
            )
            told = json.loads(done.stdout.splitlines()[-1])
            if told["status"] != "ready":
                sys.exit(f"The batch ended as {told['status']}")
            row(f"batch of {BATCH:,}, {name}", f"{told['seconds']:.0f} s", note=f"{told['mb']:.0f} MB file")
            flat = f"{told['early']:.0f} MB at 5,000 cards"
            row("its worker's memory, peak", f"{told['peak']:.0f} MB", target="≤ 150 MB", note=flat)


def _thousand(environment: dict[str, str]) -> None:
    os.environ.update(environment | {"REDIS_URL": "redis://127.0.0.1:1/0"})
    import django

    django.setup()
    from post_purchase.printing.card import Design
    from post_purchase.printing.layouts import layouts
    from post_purchase.printing.sheets import write_pdf
    from shopapp.lib.crypto import new_code

    design = Design(
        layout=layouts()["business_card"],
        headline="Thank you for your order!",
        body="Questions, tips, or a photo of how it looks at home?",
        call="Scan to chat with us",
        small="Or type the code at {address}",
        brand="Fern & Field",
        cover=True,
    )
    sizes: list[int] = []

    def cards() -> None:
        urls = [f"https://app.example.test/c/{new_code()}" for _ in range(COUNT)]
        out = io.BytesIO()
        write_pdf(out, design, urls, sample_url=urls[0], marks=True)
        sizes.append(len(out.getvalue()))

    seconds = median_seconds(cards)
    row(f"{COUNT:,} unique business cards", f"{seconds:.2f} s", target="≤ 5 s")
    row("their PDF", f"{max(sizes) / 1e6:.2f} MB", target="≤ 2 MB")
