"""Rules that hold over the whole source."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from turret.models import catalogue
from turret.version import __version__

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
FILES = sorted((SOURCE / "turret").rglob("*.py"))
TREES = {path: ast.parse(path.read_text(), str(path)) for path in FILES}
MODEL_FILES = sorted((SOURCE / module.replace(".", "/")).with_suffix(".py") for module in catalogue.MODELS.values())


def name(path: Path) -> str:
    return str(path.relative_to(SOURCE))


def imports(tree: ast.AST) -> Iterator[str]:
    """The full names of the modules that a file imports, and of what it imports from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """The dotted names that a file calls: `torch.load`, `eval`, but `.eval` for the method of something computed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            parts: list[str] = []
            function: ast.expr = node.func
            while isinstance(function, ast.Attribute):
                parts.append(function.attr)
                function = function.value
            parts.append(function.id if isinstance(function, ast.Name) else "")
            yield ".".join(reversed(parts)), node


def test_every_random_draw_has_a_seed() -> None:
    """NumPy draws come from `core.seeds`; the global streams of NumPy and of Python are never used."""
    found = []
    for path, tree in TREES.items():
        found += [f"{name(path)} imports random" for module in imports(tree) if module == "random"]
        drawing = [(function, call) for function, call in calls(tree) if function.startswith(("np.random.", "numpy.random."))]
        if path != SOURCE / "turret" / "core" / "seeds.py":
            found += [f"{name(path)}:{call.lineno} calls {function}" for function, call in drawing]
    assert found == []


def test_every_module_says_what_it_is() -> None:
    assert [name(path) for path, tree in TREES.items() if not ast.get_docstring(tree)] == []


def public(owner: ast.Module | ast.ClassDef) -> Iterator[ast.ClassDef | ast.FunctionDef]:
    for node in owner.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
            yield node


def test_everything_public_says_what_it_does() -> None:
    """A method that a protocol explains need not explain itself again."""
    classes = [(path, node) for path, tree in TREES.items() for node in public(tree) if isinstance(node, ast.ClassDef)]
    protocols = [node for _, node in classes if any(ast.unparse(base) == "Protocol" for base in node.bases)]
    explained = {method.name for protocol in protocols for method in public(protocol) if ast.get_docstring(method)}
    silent = [
        f"{name(path)}:{node.lineno} {node.name}" for path, tree in TREES.items() for node in public(tree) if not ast.get_docstring(node)
    ]
    for path, owner in classes:
        methods = [method for method in public(owner) if method.name not in explained and not ast.get_docstring(method)]
        silent += [f"{name(path)}:{method.lineno} {owner.name}.{method.name}" for method in methods]
    assert silent == []


@pytest.mark.parametrize("module", ["turret", "turret.cli", "turret.cli.main", "turret.models.catalogue"])
def test_importing_is_light(module: str) -> None:
    """What takes long to import is imported where it is used, and no model is imported before it is named."""
    heavy = {"numba", "duckdb", "scipy.stats", "pandas", *catalogue.MODELS.values()}
    code = f"import sys, {module}; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert module in loaded
    assert heavy & set(loaded) == set()


def test_nothing_outside_the_catalogue_knows_a_model() -> None:
    """Whatever is generic asks for a contract; a model imports no other model."""
    models = set(catalogue.MODELS.values())
    found = [f"{name(path)} imports {module}" for path, tree in TREES.items() for module in imports(tree) if module in models]
    assert found == []


@pytest.mark.parametrize("path", MODEL_FILES, ids=name)
def test_a_model_inherits_from_no_base_of_ours(path: Path) -> None:
    bases = {ast.unparse(base) for node in ast.walk(TREES[path]) if isinstance(node, ast.ClassDef) for base in node.bases}
    assert {"BaseModel"} <= bases <= {"BaseModel", "nn.Module"}  # one that is nothing but a composition has no module of its own


def test_the_version_is_said_twice_alike() -> None:
    assert f'version = "{__version__}"' in (ROOT / "pyproject.toml").read_text().splitlines()


def test_a_lower_layer_never_imports_a_higher_one() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
