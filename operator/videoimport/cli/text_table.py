"""A table of plain text for users, in the form that kubectl uses."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size

_GAP = "  "


def format_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return lines with aligned columns. A wide character, such as a Japanese character, takes two columns of a
    terminal."""
    lines = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(headings))]
    return "".join(
        _GAP.join(set_cell_size(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def shorten(text: str, most: int) -> str:
    """Return the text in at most ``most`` columns of a terminal, with an ellipsis in place of the removed end."""
    return text if cell_len(text) <= most else f"{set_cell_size(text, most - 1).rstrip()}…"
