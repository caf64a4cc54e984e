"""How the site is made, by `make docs`: Sphinx reads this file.

The pages are Markdown; what a page shows as an output was computed when the site was built, by
MyST-NB. A link that leads nowhere, or a cell that fails, fails the build.
"""

import inspect
import os
import re
import sys
from pathlib import Path

from docutils import nodes

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT)]

# The kernels that run the pages inherit these: pages.py beside the pages, the package of this
# clone, and one backend, whatever somebody's keras.json says.
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(HERE), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
)
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_classics  # noqa: E402  (it is found by the lines above)

project = "keras_classics"
author = "The keras_classics authors"
copyright = "the keras_classics authors, Apache 2.0"
release = version = keras_classics.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build"]
smartquotes = False  # two hyphens are a flag

html_theme = "furo"
html_title = f"keras_classics {version}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_copy_source = False
html_show_sourcelink = False

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"  # a page never shows what an older version gave
nb_execution_timeout = 600  # seconds a cell, on a machine with other work too
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_merge_streams = True
nb_output_stderr = "remove"  # what libraries say when they are loaded
nb_render_markdown_format = "myst"  # CommonMark has no tables

default_role = "literal"  # docstrings are written with single backticks
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False  # Keras' own are not written for Sphinx
autodoc_typehints = "none"  # the docstrings say what an argument may be
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = ["Input shape", "Output shape", "Reference"]


def setup(app):
    """Sphinx calls it."""
    app.connect("source-read", add_other_names)
    app.connect("doctree-resolved", write_dashes)


def add_other_names(app, docname, source):
    """Ends the last section of reference/networks with the public names that no page has yet."""
    if docname != "reference/networks":
        return
    pages = "".join(path.read_text("utf-8") for path in (HERE / "reference").glob("*.md"))
    there = set(re.findall(r"(?m)^\.\. auto\w+:: keras_classics\.(\w+)$", pages))
    rooms = {name for name, module in keras_classics.EXPORTS.items() if module == "keras_classics"}
    others = [
        f"\n.. autoclass:: keras_classics.{name}\n   :members:\n"
        if inspect.isclass(getattr(keras_classics, name))
        else f".. autofunction:: keras_classics.{name}\n"
        for name in keras_classics.EXPORTS
        if name not in there | rooms
    ]
    source[0] = source[0].rstrip().removesuffix("```") + "".join(others) + "```\n"


def write_dashes(app, doctree, docname):
    """Makes dashes of the two hyphens that Sphinx puts behind the name of an argument."""
    for text in list(doctree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))
