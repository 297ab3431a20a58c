"""Commands of ``python -m sklearn_pare.benchmarks``: what they take and print.

A command is a function that adds its parser; the function that does the work stands
next to it and is the parser's default for ``do``. It returns the exit status, or None.
"""

from sklearn_pare.benchmarks.commands import published, studies

#: Functions that add a command, in the order of the help.
COMMANDS = (
    published.add_prepare,
    published.add_run,
    published.add_report,
    published.add_list,
    published.add_describe,
    studies.add_compare,
    studies.add_modalities,
    studies.add_accuracy,
    studies.add_embedders,
    studies.add_sources,
    studies.add_unlabeled,
    studies.add_distances,
    studies.add_gap,
    studies.add_timings,
)
