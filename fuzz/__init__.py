"""Bad input, by machine: everything that reads a file or a command line is fed what a coverage-guided fuzzer comes up with.

    python -m fuzz                              all targets, a million inputs
    python -m fuzz yaml_values space            two of them
    python -m fuzz --inputs 20000 --seconds 60  fewer inputs, and no longer than a minute

It needs `pip install 'turret[fuzz]'` (atheris). `targets/` has one file a target, `target.py` says what a target is, `guard.py` what
counts as a failure. The same targets run in `tests/fuzz` with inputs by hypothesis, where atheris is not needed.
"""
