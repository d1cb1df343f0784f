"""The project's modules as syntax trees, and what each of them imports."""

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass

from core.workspace import PROJECT_ROOT


@dataclass(frozen=True)
class Import:
    """One imported name in full, such as `core.store.store` or `core.store.store.Store`."""

    name: str
    line: int
    when_imported: bool  # False inside a function: it happens when that is called


@dataclass(frozen=True)
class Module:
    """One source file by its dotted name."""

    name: str
    is_package: bool
    tree: ast.Module

    @classmethod
    def parse(cls, name: str, source: str, is_package: bool = False) -> "Module":
        return cls(name, is_package, ast.parse(source))

    def is_in(self, *packages: str) -> bool:
        return is_in(self.name, *packages)

    def imports(self) -> Iterator[Import]:
        """Every import in the file, also in functions and behind conditions."""
        own_package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        for node, when_imported in walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield Import(alias.name, node.lineno, when_imported)
            elif isinstance(node, ast.ImportFrom):
                above = own_package[: len(own_package) - node.level + 1] if node.level else []
                origin = ".".join([*above, *([node.module] if node.module else [])])
                for alias in node.names:
                    yield Import(f"{origin}.{alias.name}", node.lineno, when_imported)


def is_in(name: str, *packages: str) -> bool:
    """Whether a dotted name is one of the packages or lies beneath it."""
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def walk(tree: ast.AST) -> Iterator[tuple[ast.AST, bool]]:
    """Every node beneath `tree`, and whether it is reached while the module is imported."""

    def visit(node: ast.AST, when_imported: bool) -> Iterator[tuple[ast.AST, bool]]:
        yield node, when_imported
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for name, value in ast.iter_fields(node):
            # Decorators and defaults of a function are evaluated at once, its body later.
            later = is_function and name == "body"
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, when_imported and not later)

    yield from visit(tree, True)


@functools.cache
def project_modules() -> list[Module]:
    """app.py and everything under core/ and pages/."""
    paths = [PROJECT_ROOT / "app.py", *PROJECT_ROOT.glob("core/**/*.py"), *PROJECT_ROOT.glob("pages/**/*.py")]
    modules = []
    for path in sorted(paths):
        parts = list(path.relative_to(PROJECT_ROOT).with_suffix("").parts)
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        modules.append(Module.parse(name, path.read_text(encoding="utf-8"), is_package))
    return modules


def imports_among(modules: list[Module]) -> dict[str, set[str]]:
    """Which of the modules each of them imports, also in functions."""
    names = {module.name for module in modules}
    imports = {}
    for module in modules:
        found = set()
        for each in module.imports():
            name = each.name
            while name and name not in names:
                name = name.rpartition(".")[0]
            found.add(name)
        imports[module.name] = found - {"", module.name}
    return imports
