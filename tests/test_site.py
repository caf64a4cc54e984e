"""The site in docs/: what it quotes, where its links lead, and that it can be built."""

import importlib
import os
import re
import subprocess
import sys
import time
import zlib
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
ROOMS = "keras_classics"  # where the names of folders are said to come from
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


def names_in(inventory):
    """The names of an objects.inv: four lines of text, then what is packed."""
    packed = inventory.read_bytes().split(b"\n", 4)[4]
    return {line.split(" ")[0] for line in zlib.decompress(packed).decode().splitlines()}


def public_names():
    """Those of the package itself, and of the rooms that say what is public in them."""
    names = {f"keras_classics.{n}" for n, m in keras_classics.EXPORTS.items() if m != ROOMS}
    for part in PARTS:
        room = importlib.import_module(f"keras_classics.{part}")
        names |= {f"{room.__name__}.{name}" for name in room.__all__}
    return names


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
    assert public_names() - names_in(out / "objects.inv") == set()
    # What a command prints comes in pieces on a busy machine; the page has its lines whole.
    listed = (out / "how_to" / "seeds.html").read_text()
    assert len(re.findall(r"(?m)^  \w+/seed-\d +finished +5/5 ", listed)) == 6
