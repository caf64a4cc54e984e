"""The site in docs/: what it quotes, where its links lead, and that it can be built."""

import ast
import os
import re
import subprocess
import sys
import time
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

import keras_classics
from tests import ROOT

DOCS = ROOT / "docs"
PAGES = sorted(
    path for path in (*DOCS.rglob("*.md"), *DOCS.rglob("*.ipynb")) if "_build" not in path.parts
)
CODE = "\n".join(
    path.read_text("utf-8")
    for folder in ("keras_classics", "recipes")
    for path in (ROOT / folder).rglob("*.py")
)
PARTS = ("data.sources", "evaluation", "layers", "report", "runs", "training", "weights")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("path", [ROOT / "README.md", *PAGES], ids=name_of)
def test_links_lead_to_files(path):
    """On a forge, too, where nobody builds the pages; anchors are the slow test's."""
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)", text)
    files = [unquote(urlsplit(one).path) for one in links if not urlsplit(one).scheme]
    missing = [one for one in files if one and not (path.parent / one).exists()]
    assert missing == []


def test_every_page_is_in_the_tree():
    trees = re.findall(
        r"```\{toctree\}\n(.*?)```", "".join(page.read_text("utf-8") for page in PAGES), re.DOTALL
    )
    listed = {line for tree in trees for line in tree.split() if not line.startswith(":")}
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in PAGES}
    assert pages - {"index"} <= listed


def test_quoted_lines_stand_in_the_code():
    quoted = [
        (page.name, line)
        for page in (DOCS / "papers").glob("*.md")
        for table in re.findall(r"## Line by line\n(.*?)\n#", page.read_text("utf-8"), re.DOTALL)
        for line in re.findall(r"(?m)^\|.*\| `(.*)` \|$", table)
    ]
    assert len({page for page, _ in quoted}) == 6 and len(quoted) > 40
    assert [(page, line) for page, line in quoted if line not in CODE] == []


def test_the_reference_has_every_public_name():
    text = "".join(page.read_text("utf-8") for page in (DOCS / "reference").glob("*.md"))
    modules = set(re.findall(r"automodule:: (\S+)\n   :members:", text))
    assert {f"keras_classics.{part}" for part in PARTS} <= modules
    named = set(re.findall(r"autofunction:: keras_classics\.(\w+)", text))
    stub = ast.parse((ROOT / "keras_classics" / "__init__.pyi").read_text("utf-8"))
    rooms = {
        alias.name
        for node in stub.body
        if isinstance(node, ast.ImportFrom) and node.module == "keras_classics"
        for alias in node.names
    }
    assert set(keras_classics.EXPORTS) - rooms <= named


class _Page(HTMLParser):
    """What a built page links to, and what can be linked to on it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value:
                self.links.append(value)
            elif name in ("id", "name"):
                self.anchors.add(value)


@pytest.mark.slow
def test_the_site_is_built_and_its_links_hold(tmp_path):
    out = tmp_path / "html"
    environment = {
        **os.environ,
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "MPLCONFIGDIR": str(tmp_path / "matplotlib"),
    }
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", DOCS, out],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    print(f"built in {time.monotonic() - begun:.0f} s")
    pages = {path: _Page(path) for path in out.rglob("*.html")}
    assert len(pages) > len(PAGES)
    dead = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            here = not parts.fragment or target not in pages
            if not target.exists() or not (here or parts.fragment in pages[target].anchors):
                dead.append(f"{path.relative_to(out)}: {link}")
    assert dead == []
