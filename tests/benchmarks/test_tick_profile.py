"""The profile of a tick names files and functions by their paths: each is still there."""

import ast
from pathlib import Path

import pytest
import streamlit

from core.workspace import PROJECT_ROOT
from tests.benchmarks.tick_profile import FRAGMENTS, PARTS, REST, _by_part

STREAMLIT = Path(streamlit.__file__).parent


@pytest.fixture(scope="module")
def paths():
    """As `pstats` has them."""
    own = [
        PROJECT_ROOT / "app.py",
        *(PROJECT_ROOT / "core").rglob("*.py"),
        *(PROJECT_ROOT / "pages").rglob("*.py"),
    ]
    return [str(path) for path in (*own, *STREAMLIT.rglob("*.py"))]


def test_each_part_takes_some_file(paths):
    taken = {next((piece for piece in PARTS if piece in path), None) for path in paths}
    assert set(PARTS) - taken == set()


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_each_fragment_is_told_by_a_function_of_one_file(fragment, paths):
    piece, function = FRAGMENTS[fragment]
    (file,) = [path for path in paths if piece in path]
    nodes = ast.walk(ast.parse(Path(file).read_text(encoding="utf-8")))
    assert function in {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


def test_own_time_goes_to_the_part_that_called():
    """What belongs to no part goes to its callers by their shares, what nobody called to the rest."""
    page, store = ("/here/pages/runs.py", 1, "draw"), ("/here/core/store/store.py", 1, "get_run")
    shared, alone = ("/lib/json/decoder.py", 1, "decode"), ("/lib/threading.py", 1, "run")
    stats = {
        page: (1, 1, 2.0, 2.0, {}),
        store: (1, 1, 1.0, 1.0, {}),
        shared: (4, 4, 4.0, 4.0, {page: (3, 3, 3.0, 3.0), store: (1, 1, 1.0, 1.0)}),
        alone: (1, 1, 0.5, 0.5, {}),
    }
    assert _by_part(stats) == {PARTS["/pages/"]: 5.0, PARTS["/core/store/"]: 2.0, REST: 0.5}
