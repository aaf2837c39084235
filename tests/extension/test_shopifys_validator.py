"""Shopify's own validator over the code of all extensions, for the newest API version that it knows of each.

Without a network. Its server takes seconds to start, so one answers for all: a new extension is one line in `asked`.
"""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.extension.test_block import ALL, EXTENSIONS, ROOT, SURFACE, TARGETS

ADMIN = EXTENSIONS / "admin" / "src"
BLOCK = "admin.order-details.block.render"
VALIDATOR = ROOT / "tests" / "extension" / "shopify_validate.mjs"


def question(surface, target, files):
    version = "2026-10" if surface == "polaris-admin-extensions" else "2026-07"
    return {"api": surface, "version": version, "target": target, "files": [str(file) for file in files]}


def asked():
    """{name: question}"""
    admin = tomllib.loads((ADMIN.parent / "shopify.extension.toml").read_text("utf-8"))
    targets = [part for extension in admin["extensions"] for part in extension["targeting"]]
    files = {part["target"]: [ADMIN / Path(part["module"]).name] for part in targets}
    files[BLOCK] += [ADMIN / "parts.jsx", ADMIN / "StartPart.jsx"]
    files["admin.order-details.print-action.render"].append(ADMIN / "PrintCards.jsx")
    found = {target: question("polaris-admin-extensions", target, code) for target, code in files.items()}
    parts = EXTENSIONS / "shared" / "src" / "parts.jsx"
    for name in ALL:
        files = [next((EXTENSIONS / name / "src").glob("*.jsx"))] + ([parts] if name != "announcement" else [])
        found[name] = question(f"polaris-{SURFACE[name]}-extensions", TARGETS[name], files)
    overlay = EXTENSIONS / "optional" / "chat-overlay" / "src" / "ChatOverlay.jsx"
    found["chat overlay"] = question("polaris-checkout-extensions", "purchase.thank-you.chat.render", [overlay])
    return found


@pytest.mark.npm
def test_every_component_and_property_is_known_to_shopify_and_a_wrong_one_would_not_be(tmp_path):
    if not shutil.which("node") or not (ROOT / "node_modules" / "@shopify" / "dev-mcp").is_dir():
        pytest.skip("needs Node and `npm ci`")
    wrong = tmp_path / "Wrong.jsx"
    wrong.write_text((ADMIN / "StartPart.jsx").read_text("utf-8").replace("gap=", "gapp="), "utf-8")
    questions = asked()
    assert {file for one in questions.values() for file in one["files"]} >= {str(file) for file in ADMIN.glob("*.jsx")}
    told = [*questions.values(), question("polaris-admin-extensions", BLOCK, [wrong])]
    command = ["node", str(VALIDATOR), json.dumps(told)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True)
    *answers, mistake = json.loads(done.stdout)
    for (name, one), words in zip(questions.items(), answers, strict=True):
        assert "**Overall Status:** ✅ VALID" in words, (name, words)
        assert not re.search("INVALID|FAILED", words.upper()), (name, words)
        assert f"**Total Code Blocks:** {len(one['files'])}" in words, (name, words)
    assert "INVALID" in mistake
