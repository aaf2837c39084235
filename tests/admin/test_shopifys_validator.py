"""Shopify's own validator over the code of the admin extensions, for the newest API version that it knows."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "extensions" / "admin" / "src"
VALIDATOR = ROOT / "tests" / "extension" / "shopify_validate.mjs"
BLOCK, PRINT = "admin.order-details.block.render", "admin.order-index.selection-print-action.render"


@pytest.mark.npm
def test_every_component_and_property_is_known_to_shopify_and_a_wrong_one_would_not_be(tmp_path):
    if not shutil.which("node") or not (ROOT / "node_modules" / "@shopify" / "dev-mcp").is_dir():
        pytest.skip("needs Node and `npm ci`")
    wrong = tmp_path / "Wrong.jsx"
    wrong.write_text((SOURCE / "OrderBlock.jsx").read_text("utf-8").replace("gap=", "gapp="), "utf-8")
    asked = [
        (BLOCK, [SOURCE / name for name in ("OrderBlock.jsx", "CustomerBlock.jsx", "parts.jsx")]),
        (PRINT, [SOURCE / name for name in ("PrintOrder.jsx", "PrintSelection.jsx", "PrintCards.jsx")]),
        (BLOCK, [wrong]),
    ]
    told = [
        {
            "api": "polaris-admin-extensions",
            "version": "2026-10",
            "target": target,
            "files": [str(file) for file in files],
        }
        for target, files in asked
    ]
    command = ["node", str(VALIDATOR), json.dumps(told)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True)
    blocks, prints, mistake = json.loads(done.stdout)
    for words in (blocks, prints):
        assert "**Overall Status:** ✅ VALID" in words, words
        assert "**Total Code Blocks:** 3" in words
    assert "INVALID" in mistake
