"""Small pieces of HTML; whatever comes from data is escaped here."""

import base64
from html import escape
from importlib.resources import files


def data_uri(content: bytes) -> str:
    """Returns a PNG or GIF as a data: URI."""
    kind = "gif" if content.startswith(b"GIF8") else "png"
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def image(content: bytes, alt: str, **attributes: str) -> str:
    """Returns an img element that holds its picture."""
    others = "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
    return f'<img src="{data_uri(content)}" alt="{escape(alt)}"{others}>'


def figure(content: bytes, alt: str, caption: str = "") -> str:
    """Returns a picture on a white card, with a caption below."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><div class="card">{image(content, alt)}</div>{below}</figure>'


def paragraph(text: str, kind: str = "") -> str:
    """Returns a paragraph, of a class of style.css if `kind` is given."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(items: list) -> str:
    """Returns a list."""
    return "<ul>" + "".join(f"<li>{escape(str(item))}</li>" for item in items) + "</ul>"


def table(rows: list[tuple], head: tuple = (), kind: str = "") -> str:
    """Returns a table whose first column names the rows."""
    lines = []
    if head:
        cells = "".join(f'<th scope="col">{escape(str(cell))}</th>' for cell in head)
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    lines.append("<tbody>")
    for name, *cells in rows:
        values = "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        lines.append(f'<tr><th scope="row">{escape(str(name))}</th>{values}</tr>')
    return f'<table class="{kind}">' + "\n".join([*lines, "</tbody></table>"])


def section(identifier: str, title: str, *parts: str) -> str:
    """Returns a section of the page."""
    inside = "\n".join(part for part in parts if part)
    return f'<section id="{identifier}">\n<h2>{escape(title)}</h2>\n{inside}\n</section>'


def document(title: str, parts: list[str]) -> str:
    """Returns the whole page, which fetches nothing from anywhere."""
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>",
            *parts,
            "</main>\n</body>\n</html>\n",
        ]
    )
