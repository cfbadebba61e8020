"""One page that needs nothing else: tables, and pictures within it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from html import escape

from bench.peers.report.pictures import Picture
from bench.peers.report.tables import Table

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 2rem auto; max-width: 1200px; padding: 0 1rem; }
h1, h2 { line-height: 1.2; }
h2 { margin-top: 2.5rem; }
p { max-width: 46rem; }
p.beware { border-left: 4px solid #d55e00; padding-left: .8rem; }
img { max-width: 100%; height: auto; }
div { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
th, td { padding: .3rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; }
th { border-bottom: 2px solid #888; }
th.n, td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
tr.loud td { background: #fdf0e6; }
"""


def page(words: Iterable[str], tables: Iterable[Table], pictures: Iterable[Picture]) -> str:
    """The page.

    Args:
        words: what a reader must know first.
        tables: at the end of the page.
        pictures: PNG files with titles.
    """
    parts = [f'<p class="beware">{escape(line)}</p>' for line in words]
    for picture in pictures:
        data = b64encode(picture.path.read_bytes()).decode()
        name = escape(picture.title)
        parts.append(f'<h2>{name}</h2>\n<p>{escape(picture.words)}</p>\n<img alt="{name}" src="data:image/png;base64,{data}">')
    parts += [table.html() for table in tables]
    title = "Turret beside other libraries"
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
    body = "\n".join([f"<h1>{title}</h1>", *parts])
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'
