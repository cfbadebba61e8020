"""Turret beside other libraries: the same work on the same files, in turns, on the same machine, at equal quality.

    python -m bench.peers [CASE ...] [--sizes small] [--rounds 5] [--threads 2]

`cases` says what is measured, `sides` holds one script for each library and case, `requirements` what each library's own environment gets.
"""
