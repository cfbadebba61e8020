"""The targets: one a file, each with what it reads, valid inputs to begin with, and the errors that bad ones may end in."""

from __future__ import annotations

import importlib

from fuzz.target import Target

NAMES = (
    "headers",
    "lines",
    "json_lines",
    "tables",
    "containers",
    "parquet",
    "sessions",
    "prepare",
    "layouts",
    "yaml_values",
    "dataset_file",
    "train_config",
    "command_line",
    "parameter_string",
    "parameter_file",
    "space",
    "model_file",
    "prepared",
    "index",
    "run_directory",
    "evaluated",
)


def load(name: str) -> Target:
    """The target of that name."""
    target: Target = importlib.import_module(f"fuzz.targets.{name}").TARGET
    return target
