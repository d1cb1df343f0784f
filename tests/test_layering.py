"""The direction of dependencies, and what may happen while a module is imported, held against every file."""

import ast
import graphlib
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from core.workspace import PROJECT_ROOT
from tests.modules import Module, imports_among, is_in, project_modules, walk

# The rooms of the house and the floor that each stands on. A room imports only from lower floors and from itself, also
# in functions. docs/architecture.md says what is in each.
FLOORS = {
    "app": 10,
    "core.__main__": 9, "core.api": 9, "pages": 9,
    "core.cli": 8, "core.searcher": 8, "core.server": 8, "core.sinks": 8,
    "core.alerts": 7, "core.bundles": 7, "core.mcp": 7, "core.report": 7,
    "core.comparison": 6, "core.inspection": 6, "core.notebook": 6, "core.preflight": 6, "core.studies": 6,
    "core.foreign": 6, "core.sweeps": 6,
    "core.engine": 5, "core.runs": 5, "core.script": 5, "core.worker": 5,
    "core.analysis": 4, "core.augmentation": 4, "core.doctor": 4, "core.export": 4, "core.importing": 4,
    "core.onboarding": 4, "core.scheduling": 4, "core.training": 4,
    "core.datasets": 3, "core.design": 3, "core.store": 3,
    "core.config": 2, "core.epoch_weights": 2, "core.images": 2, "core.model_description": 2,
    "core.sink_settings": 2, "core.visitors": 2, "core.workspace": 2,
    "core.classes": 1, "core.epoch": 1, "core.errors": 1, "core.formatting": 1, "core.histogram": 1,
    "core.system": 1,
    "core.standby": 6,  # the former place of core.worker.standby, for one release
}  # fmt: skip
# What a page's folder may use beside itself, kit and charts.
NEIGHBOURS = {
    "home": ("runs", "design"),
    "notebook": ("runs",),
    "augment": ("design",),
    "studies": ("design",),
    "sweeps": ("design",),
}
COMPONENTS = "pages.components"
MOST_LINES = 400
FEW_LINES, MOST_WITH_FEW_LINES = 40, 30
STORE = "core.store"  # where SQL is written; everything else asks it
SQL_METHODS = {"execute", "executemany", "executescript"}
SESSION_MODULES = {
    "pages.components.kit.session",
    "pages.components.kit.session_exports",
    "pages.components.kit.session_uploads",
}

# Calls that a module may not make while it is imported, whatever they are made for.
WORK = {
    "basicConfig", "connect", "exec", "getenv", "import_module", "input", "mkdir", "open", "Popen", "print", "Process",
    "read_bytes", "read_text", "run", "sleep", "start", "system", "Thread", "touch", "unlink", "urlopen", "write_bytes",
    "write_text",
}  # fmt: skip


def room_of(name: str) -> str | None:
    """The room that a dotted name lies in; None for what is not ours."""
    return max((room for room in FLOORS if is_in(name, room)), key=len, default=None)


def imports_go_down(module: Module) -> Iterator[str]:
    """The floors."""
    own = room_of(module.name)
    if own is None:
        if module.name != "core":  # the package itself, which is empty
            yield f"{module.name} has no room in FLOORS"
        return
    for found in module.imports():
        room = room_of(found.name)
        if room is not None and room != own and FLOORS[room] >= FLOORS[own]:
            yield f"{module.name}:{found.line} imports {found.name} from floor {FLOORS[room]}, on floor {FLOORS[own]}"


def pages_keep_to_their_folders(module: Module) -> Iterator[str]:
    """Kit and charts know no page; a page's folder knows kit, charts and its NEIGHBOURS; charts know no Streamlit."""
    if not module.is_in(COMPONENTS):
        return
    own = module.name.removeprefix(f"{COMPONENTS}.").partition(".")[0]
    allowed = {own} if own in ("kit", "charts") else {own, "kit", "charts", *NEIGHBOURS.get(own, ())}
    for found in module.imports():
        if is_in(found.name, COMPONENTS):
            folder = found.name.removeprefix(f"{COMPONENTS}.").partition(".")[0]
            if folder not in allowed:
                yield f"{module.name}:{found.line} imports {found.name}"
        elif is_in(found.name, "pages") or (own == "charts" and is_in(found.name, "streamlit")):
            yield f"{module.name}:{found.line} imports {found.name}"


def core_knows_no_streamlit(module: Module) -> Iterator[str]:
    """Rule 1."""
    if module.is_in("core"):
        for found in module.imports():
            if is_in(found.name, "streamlit", "pages"):
                yield f"{module.name}:{found.line} imports {found.name}"


def only_training_loads_keras(module: Module) -> Iterator[str]:
    """Rule 2, and 5: worker and engine set the environment before Keras is imported, so they import it late too."""
    if module.is_in("core.training"):
        return
    # What the server runs never loads it, not even in a function.
    never = not module.is_in(
        "core.worker",
        "core.engine",
        "core.export",
        "core.preflight.worker",
        "core.cli",
        "core.__main__",
    )
    for found in module.imports():
        if is_in(found.name, "keras", "tensorflow", "core.training") and (never or found.when_imported):
            yield f"{module.name}:{found.line} imports {found.name}"


def training_and_runs_are_strangers(module: Module) -> Iterator[str]:
    """Rule 3."""
    others = ("core.store", "core.scheduling", "core.runs")
    for own, strangers in ((("core.training",), others), (others, ("core.training",))):
        if module.is_in(*own):
            for found in module.imports():
                if is_in(found.name, *strangers):
                    yield f"{module.name}:{found.line} imports {found.name}"


def sql_lives_in_the_store(module: Module) -> Iterator[str]:
    """Rule 4, first half. The version of SQLite is no SQL."""
    if module.is_in(STORE):
        return
    for found in module.imports():
        if found.name.startswith("sqlite3."):
            yield f"{module.name}:{found.line} imports {found.name}"
    for node, _ in walk(module.tree):
        if not isinstance(node, ast.Attribute):
            continue
        uses_sqlite = isinstance(node.value, ast.Name) and node.value.id == "sqlite3"
        if (
            uses_sqlite and node.attr not in ("sqlite_version", "sqlite_version_info")
        ) or node.attr in SQL_METHODS:
            yield f"{module.name}:{node.lineno} uses {ast.unparse(node)}"


def session_state_has_one_home(module: Module) -> Iterator[str]:
    """Rule 4, second half."""
    if module.name in SESSION_MODULES:
        return
    for node, _ in walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr == "session_state":
            yield f"{module.name}:{node.lineno} uses {ast.unparse(node)}"
    for found in module.imports():
        if found.name.endswith(".session_state"):
            yield f"{module.name}:{found.line} imports {found.name}"


def nothing_happens_on_import(module: Module) -> Iterator[str]:
    """Rule 6. Pages and app.py are scripts that Streamlit runs; `__main__` is what `python -m` runs."""
    if module.name in ("app", "core.__main__") or (
        module.is_in("pages") and not module.is_in("pages.components")
    ):
        return
    for statement in module.tree.body:
        if _guards_main(statement):
            continue
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if isinstance(statement, ast.For | ast.While | ast.With | ast.Delete | ast.Raise | ast.Assert) or (
            isinstance(statement, ast.Expr) and not is_docstring
        ):
            yield f"{module.name}:{statement.lineno} runs when imported: {ast.unparse(statement)[:60]}"
            continue
        for node, when_imported in walk(statement):
            if not when_imported:
                continue
            if isinstance(node, ast.Call) and _last_name(node.func) in WORK:
                yield f"{module.name}:{node.lineno} calls {ast.unparse(node.func)} when imported"
            if isinstance(node, ast.Attribute) and ast.unparse(node) == "os.environ":
                yield f"{module.name}:{node.lineno} uses os.environ when imported"


def tensorflow_has_its_own_modules(module: Module) -> Iterator[str]:
    """Rule 7."""
    if module.is_in("core.training") and not module.name.endswith("_tensorflow"):
        for found in module.imports():
            if is_in(found.name, "tensorflow"):
                yield f"{module.name}:{found.line} imports {found.name}"


def _guards_main(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _last_name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


Rule = Callable[[Module], Iterator[str]]

RULES: list[Rule] = [
    imports_go_down,
    pages_keep_to_their_folders,
    core_knows_no_streamlit,
    only_training_loads_keras,
    training_and_runs_are_strangers,
    sql_lives_in_the_store,
    session_state_has_one_home,
    nothing_happens_on_import,
    tensorflow_has_its_own_modules,
]


def test_no_modules_import_each_other_in_a_circle() -> None:
    imports = imports_among(project_modules())
    assert "core.store.store" in imports["core.scheduling.scheduler"]
    graphlib.TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_a_circle_is_found_also_through_functions() -> None:
    sources = {"a": "from b import x", "b": "def f():\n    import c", "c": "from a import y"}
    modules = [Module.parse(name, source) for name, source in sources.items()]
    with pytest.raises(graphlib.CycleError):
        graphlib.TopologicalSorter(imports_among(modules)).prepare()


def test_modules_are_neither_long_nor_crumbs() -> None:
    """A package's own `__init__.py` counts where it holds more than a docstring."""
    lines = {}
    for path in (
        PROJECT_ROOT / "app.py",
        *PROJECT_ROOT.glob("core/**/*.py"),
        *PROJECT_ROOT.glob("pages/**/*.py"),
    ):
        text = path.read_text(encoding="utf-8")
        if path.name != "__init__.py" or len(ast.parse(text).body) > 1:
            lines[path.relative_to(PROJECT_ROOT).as_posix()] = len(text.splitlines())
    assert [name for name, count in lines.items() if count > MOST_LINES] == []
    short = [name for name, count in lines.items() if count < FEW_LINES]
    assert len(short) <= MOST_WITH_FEW_LINES, short


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    modules = project_modules()
    assert {"app", "core", "core.workspace", "core.runs", "core.config.experiment"} <= {
        each.name for each in modules
    }
    assert [violation for module in modules for violation in rule(module)] == []


@pytest.mark.parametrize(
    ("rule", "name", "source"),
    [
        (imports_go_down, "core.store.store", "from core.runs import start"),
        (imports_go_down, "core.store.store", "def f():\n    from core.scheduling.service import main"),
        (imports_go_down, "core.config.model", "from core.images import decode_picture"),  # the same floor
        (imports_go_down, "core.formatting", "import core.config"),
        (imports_go_down, "core.server.lifespan", "def f():\n    import pages.components.home.lesson"),
        (imports_go_down, "pages.home", "from app import app"),
        (imports_go_down, "core.attic.chest", "import json"),
        (
            pages_keep_to_their_folders,
            "pages.components.kit.text",
            "from pages.components.charts import curves",
        ),
        (
            pages_keep_to_their_folders,
            "pages.components.kit.text",
            "from pages.components.runs.head import x",
        ),
        (pages_keep_to_their_folders, "pages.components.charts.curves", "def f():\n    import streamlit"),
        (
            pages_keep_to_their_folders,
            "pages.components.charts.curves",
            "from pages.components.kit import text",
        ),
        (
            pages_keep_to_their_folders,
            "pages.components.runs.head",
            "from pages.components.home import story",
        ),
        (
            pages_keep_to_their_folders,
            "pages.components.studies.form",
            "from pages.components.runs import head",
        ),
        (pages_keep_to_their_folders, "pages.components.runs.head", "from pages import runs"),
        (core_knows_no_streamlit, "core.api.routes", "import streamlit as st"),
        (core_knows_no_streamlit, "core.store.store", "def f():\n    from streamlit.runtime import exists"),
        (core_knows_no_streamlit, "core.cli.runs", "from pages.components import charts"),
        (only_training_loads_keras, "core.design.architecture", "import keras"),
        (only_training_loads_keras, "core.datasets.splits", "from keras.utils import to_categorical"),
        (
            only_training_loads_keras,
            "core.cli.main",
            "try:\n    import tensorflow as tf\nexcept ImportError:\n    pass",
        ),
        (only_training_loads_keras, "core.engine", "from core.training.saved_models import predict"),
        (only_training_loads_keras, "core.worker", "from .training import train"),
        (only_training_loads_keras, "pages.classify", "def f():\n    import tensorflow"),
        (only_training_loads_keras, "core.api.routes", "async def f():\n    from core import training"),
        (
            training_and_runs_are_strangers,
            "core.training.train",
            "def f():\n    from core.store import store",
        ),
        (training_and_runs_are_strangers, "core.training.train", "from ..runs.reporter import RunReporter"),
        (training_and_runs_are_strangers, "core.scheduling.launcher", "from core import training"),
        (sql_lives_in_the_store, "pages.runs", "from sqlite3 import connect"),
        (
            sql_lives_in_the_store,
            "core.api.routes",
            "import sqlite3\ndef f():\n    return sqlite3.connect('x')",
        ),
        (
            sql_lives_in_the_store,
            "core.scheduling.scheduler",
            "def f(store):\n    store.connection.execute('DELETE')",
        ),
        (session_state_has_one_home, "pages.design", "import streamlit as st\nst.session_state['a'] = 1"),
        (session_state_has_one_home, "pages.components.forms", "def f():\n    return st.session_state.a"),
        (session_state_has_one_home, "pages.design", "from streamlit import session_state"),
        (nothing_happens_on_import, "core.api.routes", "import logging\nlogging.basicConfig()"),
        (
            nothing_happens_on_import,
            "core.api.routes",
            "import subprocess\nprocess = subprocess.Popen(['ls'])",
        ),
        (nothing_happens_on_import, "core.worker", "import os\nos.environ['KERAS_BACKEND'] = 'jax'"),
        (nothing_happens_on_import, "core.api.routes", "class A:\n    text = open('x').read()"),
        (nothing_happens_on_import, "core.api.routes", "def f(now=open('x')):\n    pass"),
        (nothing_happens_on_import, "core.api.routes", "for name in ():\n    pass"),
        (nothing_happens_on_import, "core.api.routes", "if True:\n    print('hello')"),
        (nothing_happens_on_import, "pages.components.runs.live", "import streamlit as st\nst.title('x')"),
        (tensorflow_has_its_own_modules, "core.training.train", "import tensorflow as tf"),
        (tensorflow_has_its_own_modules, "core.training.models", "def f():\n    from tensorflow import data"),
    ],
)
def test_a_violation_is_found(rule: Rule, name: str, source: str) -> None:
    assert list(rule(Module.parse(name, source))) != []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("core.training.backend_tensorflow", "import keras\nimport tensorflow as tf"),
        ("core.training", "from core.training.train import train"),
        (
            "core.worker",
            "from core.store.store import Store\ndef main():\n    from core.training.train import train",
        ),
        ("core.store.store", "import sqlite3\ndef f():\n    sqlite3.connect('x').execute('SELECT 1')"),
        ("core.cli.doctor", "import sqlite3\ndef f():\n    return sqlite3.sqlite_version"),
        ("core.engine", "def main():\n    print('x')\n\nif __name__ == '__main__':\n    main()"),
        ("core.design.presets", "from pathlib import Path\nA = {'a': Path('x')}\nB = lambda: open('x')"),
        ("core.training.notes", "from core.store_archive import x"),
        ("pages.components.home.story", "from pages.components.runs.live import x"),
        ("pages.components.kit.answers", "from pages.components.kit.text import literal"),
        ("pages.components.kit.session", "import streamlit as st\ndef f():\n    return st.session_state"),
        ("pages.home", "import streamlit as st\nfrom core.design.presets import PRESETS\nst.title('x')"),
        ("app", "import streamlit as st\nimport sys\nsys.path.insert(0, '.')"),
    ],
)
def test_what_is_allowed_is_let_through(name: str, source: str) -> None:
    assert [violation for rule in RULES for violation in rule(Module.parse(name, source))] == []


def test_relative_imports_are_followed() -> None:
    package = Module.parse("core.store", "from .store import Store\nfrom . import states", is_package=True)
    module = Module.parse("core.store.store", "from .states import RunState\nfrom .. import errors")
    assert [found.name for found in package.imports()] == ["core.store.store.Store", "core.store.states"]
    assert [found.name for found in module.imports()] == ["core.store.states.RunState", "core.errors"]


def test_everything_but_training_is_light() -> None:
    """What the rules above cannot see, such as a library that imports Keras itself, shows in a real process."""
    names = [
        module.name
        for module in project_modules()
        if module.is_in("core") and not module.is_in("core.training", "core.__main__")
    ]
    assert "core.store.store" in names
    program = (
        f"import importlib, sys\nfor name in {names!r}:\n    importlib.import_module(name)\n"
        "print(sorted({'keras', 'optuna', 'tensorflow', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
