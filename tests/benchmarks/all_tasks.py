"""All published tasks, for parametrized tests."""

from sklearn_pare.benchmarks import tasks

ALL = [task for suite in tasks.SUITES.values() for task in suite.values()]
WITH_FILES = [task for task in ALL if task.load]


def name_of(task):
    return f"{task.suite}:{task.name}"
