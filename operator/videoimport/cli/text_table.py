"""A table of plain text for users, with columns as kubectl prints them."""

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size

_GAP = "  "


def format_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return lines with aligned columns. A wide letter, such as a Japanese one, takes two columns of a terminal."""
    lines = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(headings))]
    return "".join(
        _GAP.join(set_cell_size(cell, width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def shorten(text: str, most: int) -> str:
    """Return the text in at most ``most`` columns of a terminal, with an ellipsis in place of what is cut."""
    return text if cell_len(text) <= most else f"{set_cell_size(text, most - 1).rstrip()}…"
