"""What the project is made of is written down, and importing it reaches for nothing."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from koclip.assets import assets_dir
from tests.space import ROOT

SPDX = {
    *("Apache-2.0", "MIT", "CC0-1.0", "CC-PDDC", "CC-BY-2.0", "CC-BY-3.0", "CC-BY-4.0"),
    *("CC-BY-SA-3.0", "CC-BY-SA-4.0", "GPL-2.0-or-later", "GPL-3.0-only", "LGPL-3.0-only"),
}

# Any use of the network by Python passes these audit events.
WATCHED = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto"):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(refuse)
"""


@pytest.fixture(scope="module")
def sbom():
    spec = importlib.util.spec_from_file_location("sbom", ROOT / "assets" / "sbom.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_bill_of_materials_is_current(sbom):
    """After a change of the assets: python assets/sbom.py"""
    stored = (assets_dir() / sbom.SBOM).read_text(encoding="utf-8")
    assert stored == sbom.written(sbom.sbom())


def test_every_bundled_file_has_a_hash_and_a_licence(sbom):
    document = json.loads((assets_dir() / sbom.SBOM).read_text(encoding="utf-8"))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    names = {component["name"] for component in document["components"]}
    command = ["git", "ls-files", "-co", "--exclude-standard", "assets"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:  # not in a copy without git
        assert names == {line.removeprefix("assets/") for line in listed.stdout.split()} - {
            "SBOM.json"
        }
    for component in document["components"]:
        (found,) = component["licenses"]
        expression = found.get("expression") or found["license"].get("id")
        told = expression.split(" AND ") if expression else []
        assert set(told) <= SPDX and (told or found["license"]["name"].startswith("LicenseRef-"))
        assert re.fullmatch("[0-9a-f]{64}", component["hashes"][0]["content"])
        if component["name"].endswith(".webp"):
            assert component["copyright"] and component["description"]


# The lock -----------------------------------------------------------------------------------------


def pins(text: str) -> list[tuple[str, str]]:
    """(package, version) of every pinned requirement; extras and conditions do not matter."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==([\w.+!-]+)", text, re.MULTILINE)
    return [(re.sub("[-_.]+", "-", name).lower(), version) for name, version in found]


def test_the_lock_has_every_requirement_with_hashes_and_names_no_registry():
    lock = (ROOT / "requirements-test.lock").read_text(encoding="utf-8")
    wanted = "".join(
        (ROOT / name).read_text(encoding="utf-8")
        for name in ("requirements.txt", "requirements-test.txt")
    )
    assert set(pins(wanted)) <= set(pins(lock))
    assert len(pins(lock)) > 2 * len(pins(wanted))
    blocks = re.split(r"\n(?=[\w.-]+(?:\[[\w,]+\])?==)", lock)[1:]
    assert len(blocks) == len(pins(lock))
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in lock and "--index" not in lock and "--find-links" not in lock


def test_the_package_asks_for_no_more_than_the_space_has():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.match(r"[\w.-]+", text)[0].replace("_", "-") for text in declared["dependencies"]}
    pinned = {name for name, _ in pins((ROOT / "requirements.txt").read_text(encoding="utf-8"))}
    assert names <= pinned


# No network at import -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["import koclip", "import app", "import koclip.ui.launch, koclip.cli, koclip.model"]
)
def test_an_import_opens_no_connection(code):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "GRADIO_"))}
    run = subprocess.run(
        [sys.executable, "-c", WATCHED + code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stderr


def test_a_connection_would_be_noticed():
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            WATCHED + "import socket; socket.create_connection(('127.0.0.1', 9))",
        ],
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0 and "socket." in run.stderr
