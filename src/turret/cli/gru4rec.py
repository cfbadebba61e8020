"""`turret gru4rec`: GRU4Rec with the options of its authors' run.py and paropt.py.

Their options of one dash and several letters are not in the grammar of the other commands, so argparse reads them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Any, NoReturn

from turret.cli.actions import Action, dispatch
from turret.core.errors import InputError


class Parser(argparse.ArgumentParser):
    """Takes bad words as any other bad input."""

    def error(self, message: str) -> NoReturn:
        """Raises an InputError."""
        raise InputError(message, hint=f"{self.prog} --help lists the options")

    def format_help(self) -> str:
        """As the other commands begin."""
        return super().format_help().replace("usage:", "Usage:", 1)


def run(words: Sequence[str]) -> None:
    """Runs `turret gru4rec WORD ...`."""
    dispatch("gru4rec", ACTIONS, words)


def _run(words: Sequence[str]) -> None:
    parser = _parser("run", "Trains or loads a GRU4Rec, saves it, and measures recall and MRR on test sessions.")
    parser.add_argument(
        "path", metavar="PATH", help="log of sessions to train on (TAB separated with a header, or Parquet); with -l a model"
    )
    parser.add_argument("-ps", "--parameter_string", metavar="STRING", help="parameters as name=value,name=value; layers as 200/200")
    parser.add_argument(
        "-pf", "--parameter_file", metavar="FILE", help="parameters as YAML, or as an OrderedDict in a .py file, which is read and not run"
    )
    parser.add_argument("-l", "--load_model", action="store_true", help="PATH is a model that -s saved; one of -ps, -pf and -l is given")
    parser.add_argument("-s", "--save_model", metavar="FILE", help="file that the trained model is written to")
    parser.add_argument("-t", "--test", metavar="LOG", nargs="+", default=[], help="logs of sessions to measure on")
    parser.add_argument("-m", "--measure", metavar="N", type=int, nargs="+", default=[20], help="lengths of the lists (20)")
    parser.add_argument("-ss", "--sample_store_size", metavar="N", type=int, help="no effect: there is no store of samples")
    parser.add_argument("-lpm", "--log_primary_metric", action="store_true", help="print the primary metric at the first length")
    parser.add_argument("--official_quirks", action="store_true", help="compute as the authors' code does where it differs from its papers")
    _shared(parser)
    from turret.api import gru4rec

    gru4rec.run(**_named(parser, words), say=partial(print, flush=True))


def _paropt(words: Sequence[str]) -> None:
    parser = _parser("paropt", "Looks for the parameters with which a GRU4Rec does best on validation sessions.")
    parser.add_argument("path", metavar="PATH", help="log of sessions to train on")
    parser.add_argument("test", metavar="TEST_PATH", help="log of sessions to measure on")
    parser.add_argument("-fp", "--fixed_parameters", metavar="STRING", default="", help="parameters of all trials as name=value,name=value")
    parser.add_argument("-opf", "--optuna_parameter_file", metavar="FILE", required=True, help="the space: one JSON object a line")
    parser.add_argument("-m", "--measure", metavar="N", type=int, nargs="?", const=20, default=20, help="length of the lists (20)")
    parser.add_argument("-nt", "--ntrials", metavar="N", type=int, nargs="?", const=50, default=50, help="number of trials (50)")
    parser.add_argument("-fm", "--final_measure", metavar="N", type=int, nargs="+", default=[20], help="lengths for the final run (20)")
    _shared(parser)
    from turret.api import gru4rec

    gru4rec.paropt(**_named(parser, words), say=partial(print, flush=True))


def _parser(name: str, prose: str) -> Parser:
    return Parser(prog=f"turret gru4rec {name}", description=prose)


def _shared(parser: Parser) -> None:
    """The options that both commands have."""
    kinds = ["standard", "conservative", "median"]
    parser.add_argument("-e", "--eval_type", choices=kinds, default=kinds[0], help="where an item counts among equal scores (standard)")
    parser.add_argument("-pm", "--primary_metric", choices=["recall", "mrr"], default="recall", help="the metric that decides (recall)")
    parser.add_argument("-g", "--gru4rec_model", metavar="NAME", help="no effect: there is one GRU4Rec here")
    parser.add_argument("-d", "--device", metavar="DEVICE", help="cpu, cuda:0, ... (cuda:0 where there is one, else cpu)")
    for name, column in (("item", "ItemId"), ("session", "SessionId"), ("time", "Time")):
        parser.add_argument(f"-{name[0]}k", f"--{name}_key", metavar="NAME", default=column, help=f"column of the {name} ({column})")
    parser.add_argument("--seed", metavar="N", type=int, help="of all that is drawn; the same seed gives the same result (2026)")


def _named(parser: Parser, words: Sequence[str]) -> dict[str, Any]:
    return vars(parser.parse_args(list(words)))


ACTIONS: dict[str, tuple[str, Action]] = {
    "run": ("train or load a model, save it, and measure it", _run),
    "paropt": ("look for the best parameters", _paropt),
}
