"""Of the unit layer: the garbage collector leaves alone what the collection of the tests made.

Modules and tests live until the end, and to look through them again and again takes a tenth of the layer's time.
"""

import gc

import pytest

gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    gc.freeze()  # what is garbage by then stays too: to look for it takes longer than its memory is worth
    gc.set_threshold(50_000, 20, 20)
    gc.enable()
