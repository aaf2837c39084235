"""Shopify's own validator (without a network) over the code of every extension. One start of it answers for all."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTENSIONS = ROOT / "extensions"
VALIDATOR = ROOT / "tests" / "extension" / "shopify_validate.mjs"
PARTS = EXTENSIONS / "shared" / "src" / "parts.jsx"
ADMIN = EXTENSIONS / "admin" / "src"


@dataclass(frozen=True)
class Asked:
    surface: str
    target: str
    files: list[Path]
    version: str  # the newest that it knows of this surface

    def told(self) -> dict[str, object]:
        return {
            "api": f"polaris-{self.surface}-extensions",
            "version": self.version,
            "target": self.target,
            "files": [str(file) for file in self.files],
        }


def all_of(tmp_path: Path) -> dict[str, Asked]:
    wrong = tmp_path / "Wrong.jsx"
    source = (EXTENSIONS / "announcement" / "src" / "Announcement.jsx").read_text("utf-8")
    wrong.write_text(source.replace("<s-text", "<s-textt").replace("</s-text>", "</s-textt>"), "utf-8")
    checkout, admin = "2026-07", "2026-10"
    return {
        "thank-you": Asked(
            "checkout",
            "purchase.thank-you.block.render",
            [EXTENSIONS / "thank-you" / "src" / "ThankYou.jsx", PARTS],
            checkout,
        ),
        "order-status": Asked(
            "customer-account",
            "customer-account.order-status.block.render",
            [EXTENSIONS / "order-status" / "src" / "OrderStatus.jsx", PARTS],
            checkout,
        ),
        "announcement": Asked(
            "checkout",
            "purchase.thank-you.announcement.render",
            [EXTENSIONS / "announcement" / "src" / "Announcement.jsx"],
            checkout,
        ),
        "chat-overlay": Asked(
            "checkout",
            "purchase.thank-you.chat.render",
            [EXTENSIONS / "optional" / "chat-overlay" / "src" / "ChatOverlay.jsx"],
            checkout,
        ),
        "admin blocks": Asked(
            "admin",
            "admin.order-details.block.render",
            [ADMIN / name for name in ("OrderBlock.jsx", "CustomerBlock.jsx", "parts.jsx")],
            admin,
        ),
        "admin print": Asked(
            "admin",
            "admin.order-index.selection-print-action.render",
            [ADMIN / name for name in ("PrintOrder.jsx", "PrintSelection.jsx", "PrintCards.jsx")],
            admin,
        ),
        "wrong": Asked("checkout", "purchase.thank-you.announcement.render", [wrong], checkout),
    }


@pytest.mark.npm
def test_every_component_and_property_is_known_to_shopify_and_a_wrong_one_would_not_be(tmp_path: Path) -> None:
    if not shutil.which("node") or not (ROOT / "node_modules" / "@shopify" / "dev-mcp").is_dir():
        pytest.skip("needs Node and `npm ci`")
    asked = all_of(tmp_path)
    command = ["node", str(VALIDATOR), json.dumps([each.told() for each in asked.values()])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True)
    said = dict(zip(asked, json.loads(done.stdout), strict=True))
    mistake = said.pop("wrong")
    assert "INVALID" in mistake
    for name, words in said.items():
        assert "**Overall Status:** ✅ VALID" in words, f"{name}: {words}"
        assert f"**Total Code Blocks:** {len(asked[name].files)}" in words, f"{name}: {words}"
