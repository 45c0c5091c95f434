"""How the documentation is built: `python -m sphinx -W --keep-going -b html docs docs/_build/html`."""

import shutil
import sys
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

import explorer  # noqa: E402  (stands beside this file)
import gallery  # noqa: E402  (as do these)
import pages  # noqa: E402

import herbtc  # noqa: E402
from herbtc import schema  # noqa: E402

# Tables are written from code and data before Sphinx looks for pages, so that none is typed and none is stale.
pages.write(DOCS / "_generated")
explorer.write(DOCS / "_generated" / "static")
gallery.draw(DOCS / "figures.md", DOCS / "_generated" / "figures")
# Notebooks stand outside of these pages, and are shown here as they run.
shutil.rmtree(DOCS / "examples", ignore_errors=True)
shutil.copytree(DOCS.parent / "examples", DOCS / "examples", ignore=shutil.ignore_patterns(".*"))

project = "herbtc"
author = "The herbtc developers"
project_copyright = "2026, The herbtc developers; code MIT, evidence CC BY 4.0"
version = release = herbtc.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "numpydoc"]
# What stands here is included by other pages.
exclude_patterns = ["_build", "_generated", "search-log.md", "examples/README.md", "examples/data"]
default_role = "py:obj"
smartquotes = False  # what sources print stays as printed
maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

myst_enable_extensions = ["substitution"]
myst_substitutions = {"release": herbtc.load().release}
myst_heading_anchors = 3

# Notebooks run anew at each build, since what they show hangs on code and data that no cache looks at.
# A cell that fails, or that warns, fails the build.
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_output_stderr = "remove-warn"

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_type_aliases = {"Words": "str | Iterable[str] | None", "pd.DataFrame": "DataFrame"}
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = f"herbtc {release}"
html_static_path = ["_static", "_generated/static"]
html_css_files = ["herbtc.css"]
html_use_index = False
html_domain_indices = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "herbtc"},
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    # Pages of wide tables leave the side to them.
    "secondary_sidebar_items": {
        "**": ["page-toc"],
        **{
            page: []
            for page in (
                "approvals",
                "definitions",
                "her2",
                "prevalence",
                "variants",
                "appraisal",
                "audit",
                "reports",
                "tables",
                "explorer",
            )
        },
    },
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_context = {"default_mode": "auto"}
# Pages without pages below them need no navigation at their side.
html_sidebars = {page: [] for page in ("index",)}


def without_last_blank_line(_app: Sphinx, doctree: nodes.document) -> None:
    """Take away the blank line that ends an example; doctest needs it, a reader does not."""
    for block in doctree.findall(nodes.literal_block):
        text = block.astext().rstrip()
        if block.rawsource == block.astext():  # else it is not plain text
            block.rawsource = text
            block.children = [nodes.Text(text)]


def with_explorer(app: Sphinx, page: str, *_: object) -> None:
    """Give the explorer its script and style, and no other page."""
    if page == "explorer":
        app.add_css_file("explorer.css")
        app.add_js_file("explorer-data.js")
        app.add_js_file("explorer.js", loading_method="defer")


def with_schemas(app: Sphinx, error: Exception | None) -> None:
    """Write the schemas of the data files beside the pages, so that an editor can refer to them by address."""
    if error is None and app.builder.format == "html":
        schema.write(Path(app.outdir) / "schema")


def setup(app: Sphinx) -> None:
    """Tell Sphinx about the functions above."""
    app.connect("html-page-context", with_explorer)
    app.connect("doctree-read", without_last_blank_line)
    app.connect("build-finished", with_schemas)
