"""Breaks trainings on purpose, and looks whether anything is lost.

    python -m faults --times 50 --seed 1              everything, as a table
    python -m faults --only kill:wrmf:7 --seed 1      one fault again
    python -m faults --list                           the subjects and the kinds of fault

Real `turret` processes train small simulated logs. A fault befalls each at a moment that follows from the seed: it is killed, told to stop,
its disk fills up, its folder becomes read-only, one of its files is damaged, another process comes in its way. Then the training is gone on
with, and its files are compared bit by bit with those of one that nothing befell.

    subjects.py     what is trained
    logs.py         what it is trained on
    kinds/          what befalls it, a file for each family
    workshop.py     folders, logs, trainings that nothing befell
    command.py      `turret` as a process of its own, and where it stands
    forked.py       the same where hundreds are needed, from a process that has imported everything already
    child.py        `turret` with liberties: frequent checkpoints, death at a given operation on files
    compare.py      what two runs differ by
    shelf.py        runs that are made once and damaged often
    moments.py      when a fault strikes
    mounts.py       small disks
    verdict.py      what came of a fault
    campaign.py     which faults, two at a time
    table.py        what is printed
"""
