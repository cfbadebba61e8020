"""What the source never imports, calls or speaks of; and the few places that may, each with what bounds it.

That the tests would notice is tested too: a line of code that breaks a rule is tried for every rule.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from turret.cli.main import VERBS, main
from turret.core.errors import InputError
from turret.models import catalogue

from .source import FILES, File, keyword

CODE = (
    *("pickle", "_pickle", "cPickle", "pickletools", "dill", "cloudpickle", "joblib", "shelve", "dbm", "marshal", "copyreg", "jsonpickle"),
    *(
        "code",
        "codeop",
        "runpy",
        "imp",
        "zipimport",
        "pkgutil",
        "builtins",
        "pdb",
        "bdb",
        "ctypes",
        "cffi",
        "numpy.ctypeslib",
        "numpy.f2py",
    ),
    *("importlib.util", "importlib.machinery", "torch.hub", "torch.jit", "torch.package", "torch.utils.cpp_extension", "torch._C"),
    *("tensorflow", "keras", "pandas"),
)
"""Modules whose use is to run, or to load, what somebody else wrote."""
PROCESSES = ("subprocess", "multiprocessing", "torch.multiprocessing", "concurrent.futures.ProcessPoolExecutor", "pty", "webbrowser")
NETWORK = (
    *("socket", "socketserver", "ssl", "http", "urllib.request", "urllib.error", "urllib3", "requests", "httpx", "aiohttp", "asyncio"),
    *("ftplib", "smtplib", "telnetlib", "xmlrpc", "huggingface_hub"),
)
MODULES = {
    "runs code": CODE,
    "starts processes": PROCESSES,
    "reaches the network": NETWORK,
    "expands what it reads": ("xml", "plistlib"),
}
MAY_IMPORT = {
    # The one place that downloads; `https` alone, see test_downloads.py.
    "turret/data/catalogue/received.py": {"http.client", "urllib.request", "urllib.error"},
    # The engine's own memory, read as its types say; what loads a library is among the names below.
    "turret/data/arrow.py": {"ctypes"},
}
NAMES = (
    *("eval", "exec", "compile", "__import__", "breakpoint", "importlib.reload", "importlib.__import__"),
    *("torch.load", "torch.save", "torch.compile", "torch.ops.load_library", "torch.classes.load_library", "torch.serialization"),
    *("yaml.load", "yaml.load_all", "yaml.full_load", "yaml.full_load_all", "yaml.unsafe_load", "yaml.unsafe_load_all"),
    *("yaml.Loader", "yaml.FullLoader", "yaml.UnsafeLoader", "yaml.CLoader", "yaml.CFullLoader", "yaml.CUnsafeLoader", "yaml.YAMLObject"),
    *("numpy.loadtxt", "numpy.genfromtxt", "numpy.fromregex", "numpy.fromfile", "numpy.savez", "numpy.savez_compressed"),
    *("ctypes.CDLL", "ctypes.PyDLL", "ctypes.cdll", "ctypes.pydll", "ctypes.LibraryLoader", "ctypes.util.find_library"),
    *("os.system", "os.popen", "os.fork", "os.forkpty", "os.startfile", "os.posix_spawn", "os.posix_spawnp", "os.setuid", "os.chmod"),
    *(f"os.{family}{suffix}" for family in ("exec", "spawn") for suffix in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *(
        "tempfile.mktemp",
        "shutil.unpack_archive",
        "hashlib.md5",
        "hashlib.sha1",
        "types.FunctionType",
        "types.CodeType",
        "sys.addaudithook",
    ),
)
"""Functions and classes that are spoken of nowhere, called or handed on."""
ATTRIBUTES = (
    *("extract", "extractall", "__subclasses__", "__globals__", "__builtins__", "__code__", "__loader__", "__reduce__", "__setstate__"),
    *("read_pickle", "to_pickle", "loadmat", "unsafe_load"),
)
"""Attributes of whatever."""
ONLY_IN = {
    "importlib.import_module": {"turret/cli/main.py", "turret/models/catalogue.py"},  # the tables below
    "ast.parse": {"turret/api/gru4rec/parameters.py"},  # a tree that is walked, of a file of bounded length
    "ast.literal_eval": {"turret/api/gru4rec/parameters.py", "turret/data/catalogue/originals.py"},  # of bounded length
    "globals": {"turret/__init__.py"},  # names for dir(), no values
    "vars": {"turret/cli/gru4rec.py"},  # of argparse's result
    "duckdb.connect": {"turret/data/engine.py"},  # where extensions are neither fetched nor loaded
    "faiss.read_index": {"turret/index/cells.py"},
    "lmdb.open": {"turret/batches/lmdb_rows.py"},
    "numpy.memmap": {"turret/data/spool.py"},  # of a scratch file that this process has just written
}
"""What only these files speak of."""
MAY_REACH = {"turret/__init__.py"}
"""Files that reach into a module by a name that is no constant; `turret.NAME` is bounded by a table of its own."""


def broken_rules(file: File) -> Iterator[str]:
    """What is wrong with a file."""
    for name in sorted(file.imports - MAY_IMPORT.get(file.name, set())):
        for what, modules in MODULES.items():
            if any(f"{name}.".startswith(f"{module}.") for module in modules) and name not in ("http.HTTPStatus",):
                yield f"imports {name}, which {what}"
    for line, name in file.mentions():
        dangerous = name.rpartition(".")[2] in ATTRIBUTES and not name.startswith("self.")
        if name in NAMES or dangerous or file.name not in ONLY_IN.get(name, {file.name}):
            yield f"line {line} speaks of {name}"
    for name, call in file.calls():
        yield from (f"line {call.lineno} {what}" for what in _wrong_with(file, name, call))
    for line, text in file.texts():
        if "http://" in text or "ftp://" in text or "!!python" in text:
            yield f"line {line} has {text[:60]!r}"


def _wrong_with(file: File, name: str, call: ast.Call) -> Iterator[str]:
    if name in ("numpy.load", "numpy.save") and keyword(call, "allow_pickle") is not False:
        yield f"calls {name} without allow_pickle=False"
    if keyword(call, "allow_pickle") not in (None, False):
        yield "allows pickles"
    if name == "hashlib.new" and keyword(call, "usedforsecurity") is not False:
        yield "uses a digest that may be weak"
    if keyword(call, "shell") not in (None, False):
        yield "starts a shell"
    if name == "getattr" and isinstance(call.args[0], ast.Name) and not isinstance(call.args[1], ast.Constant):
        into = file.known_as.get(call.args[0].id, "")
        if into.rpartition(".")[2].islower() and file.name not in MAY_REACH:
            yield f"reaches into {into} by a name"
    if name == "input":
        yield "asks whoever sits there"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_source_keeps_the_rules(file: File) -> None:
    assert list(broken_rules(file)) == []


@pytest.mark.parametrize(
    "line",
    [
        *("import pickle", "from pickle import loads", "import cloudpickle as safe", "from joblib import load", "import marshal, json"),
        *(
            "import ctypes",
            "from numpy import ctypeslib",
            "import torch.hub",
            "from torch.utils import cpp_extension",
            "import pandas as pd",
        ),
        *("import subprocess", "from multiprocessing import Pool", "from concurrent.futures import ProcessPoolExecutor", "import socket"),
        *("import urllib.request", "from urllib import request", "import requests", "import xml.etree.ElementTree as tree"),
        *("eval('1')", "map(eval, [])", "exec('x')", "compile('x', '', 'exec')", "__import__('os')", "import torch as t; t.load('x')"),
        *(
            "from torch import load as read; read('x')",
            "import yaml; yaml.load('x', Loader=yaml.SafeLoader)",
            "import yaml; L = yaml.FullLoader",
        ),
        *("import os; os.system('x')", "import os as o; o.popen('x')", "from os import execv; execv('x', [])", "import os; f = os.spawnl"),
        *("import tarfile; tarfile.open('x').extractall()", "import zipfile as z; z.ZipFile('x').extract('y')"),
        *("import numpy as np; np.load('x')", "import numpy as np; np.load('x', allow_pickle=True)", "import numpy as np; np.save('x', y)"),
        *("import numpy as np; np.load('x', mmap_mode='r', allow_pickle=maybe)", "from numpy import load; load('x')"),
        *(
            "import hashlib; hashlib.md5(b'')",
            "import hashlib; hashlib.new(x)",
            "run('x', shell=True)",
            "import tempfile; tempfile.mktemp()",
        ),
        *(
            "URL = 'http://example.org'",
            "().__class__.__subclasses__()",
            "import duckdb; duckdb.connect()",
            "import importlib; importlib.import_module(x)",
        ),
        *("import ast; ast.literal_eval(x)", "import json; getattr(json, name)('x')", "import pandas; pandas.read_pickle('x')"),
    ],
)
def test_a_line_that_breaks_a_rule_is_noticed(line: str) -> None:
    assert list(broken_rules(File("turret/data/new.py", line))) != []


def test_exceptions_are_used() -> None:
    """What is allowed and no longer needed is no longer allowed."""
    spoken_of = {(name, file.name) for file in FILES for _, name in file.mentions()}
    assert {(name, file) for name, files in ONLY_IN.items() for file in files} <= spoken_of
    assert set(MAY_IMPORT) <= {file.name for file in FILES}


def test_models_and_commands_are_found_in_tables() -> None:
    """The names of modules that are imported by a name from outside: all of them are in a table, and are our own."""
    assert all(module.startswith("turret.models.") for module in catalogue.MODELS.values())
    for name in ("os", "turret.models.general.bpr", "../os", "bpr.os", "", "__main__", "bpr\0"):
        if name:
            with pytest.raises(InputError, match="no model named"):
                catalogue.load(name)
            assert main([name]) == 2
    assert all(name.isidentifier() for name in VERBS)
