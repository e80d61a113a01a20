"""Report pages as a browser and a program see them."""

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

CHROMIUM = shutil.which("chromium")
QUIET = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--enable-logging=stderr"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--v=0", "--dump-dom"),
)
VOID = {"meta", "wbr", "br", "link", "img", "input", "hr"}


class Numbers(HTMLParser):
    """The machine-readable numbers of a page, per run, and every element and attribute it has."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.run = ""
        self.values: dict[str, dict[str, float]] = {}
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes.extend(found.items())
        self.run = found.get("data-run", self.run)
        if "data-key" in found:
            self.values.setdefault(self.run, {})[found["data-key"]] = float(found["data-value"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def leaves(tree: object, path: str = "") -> dict[str, float]:
    """Every number of a report under its dotted path."""
    if isinstance(tree, dict):
        return {k: v for key, value in tree.items() for k, v in leaves(value, f"{path}.{key}").items()}
    if isinstance(tree, list):
        return {k: v for index, value in enumerate(tree) for k, v in leaves(value, f"{path}.{index}").items()}
    return {path.removeprefix("."): tree} if isinstance(tree, int | float) else {}


def opened(page: Path, profile: Path) -> tuple[str, list[str]]:
    """Open a page in headless Chromium: the document as the browser has it, and what its console says."""
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={profile}", page.resolve().as_uri()]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return seen.stdout, [line for line in seen.stderr.splitlines() if "CONSOLE" in line]
