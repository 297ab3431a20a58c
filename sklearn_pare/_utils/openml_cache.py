"""Tasks and data sets from openml's cache or its server.

openml deletes the folder of a task or data set from its cache if it cannot read or
complete it, for instance without a network. A reader checks the files beforehand.
"""

import warnings
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus
from xml.etree import ElementTree


def folder(kind, number):
    """Return the folder in openml's cache for one of the "tasks" or "datasets"."""
    import openml

    return Path(openml.config.get_cache_directory(), kind, str(number))


@contextmanager
def settings(**values):
    """Change settings of openml temporarily."""
    import openml

    before = {name: getattr(openml.config, name) for name in values}
    try:
        for name, value in values.items():
            setattr(openml.config, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(openml.config, name, value)


def redact(error):
    """Return the text of an error with the API key of OpenML replaced by "(key)"."""
    import openml

    text, key = str(error), openml.config.apikey
    for secret in (key, quote(key), quote_plus(key)) if key else ():
        text = text.replace(secret, "(key)")
    return text


class Reader:
    """Load parts of a task or of a data set; errors name the file and the remedy.

    Parameters
    ----------
    what : str
        Beginning of all messages, such as "Task 31".
    error : type
        Class of the errors.
    download : str
        Code that fills the cache.
    """

    def __init__(self, what, error, download):
        self._what, self._error, self._download = what, error, download

    def __call__(self, file, function, *args, **kwargs):
        """Call a function that reads a file, or fetches it if it is not there."""
        import openml

        with settings(apikey=openml.config.apikey.strip()), warnings.catch_warnings():
            # openml does not close the file of the folds.
            warnings.filterwarnings("ignore", "unclosed file", ResourceWarning)
            try:
                return function(*args, **kwargs)
            # Errors of openml, requests, urllib3 and openml's parsers.
            except Exception as error:
                problem = f"{type(error).__name__}: {redact(error)}"
        # Raised outside the except block: the error there may contain the key.
        if file.exists():
            raise self._damaged(f"{file} cannot be read ({problem})", file.parent)
        raise self._error(
            f"{self._what} could not be loaded ({problem}). openml looks in its cache "
            f"{openml.config.get_cache_directory()}, where {'/'.join(file.parts[-3:])} "
            f"is missing, then on its server. With a network, {self._download} fills "
            "the cache. The environment variable OPENML_CACHE_DIR selects another one."
        )

    def _damaged(self, problem, path):
        return self._error(
            f"{self._what} could not be loaded: {problem}. Remove the folder {path} to "
            "fetch it anew."
        )

    def parse(self, file, root):
        """Return the root of the main file of a folder, or None for an empty folder."""
        if file.exists():
            return self(file, _parse, file, root)
        if file.parent.is_dir() and any(file.parent.iterdir()):
            raise self._damaged(f"{file} is missing beside other files", file.parent)
        return None

    def dataset(self, number):
        """Load the description of a data set."""
        import openml

        file = folder("datasets", number) / "description.xml"
        self.parse(file, "data_set_description")
        return self(file, openml.datasets.get_dataset, number)

    def features(self, dataset):
        """Load the names, types and values of the columns of a data set."""
        file = folder("datasets", dataset.dataset_id) / "features.xml"
        return self(file, getattr, dataset, "features")

    def frame(self, dataset, target):
        """Load the columns (n, F) and the target (n,) of a data set."""
        path = folder("datasets", dataset.dataset_id)
        file = path / f"dataset_{dataset.dataset_id}.pq"
        if not file.exists():
            if dataset.format.lower() == "sparse_arff":
                raise self._error(
                    f"{self._what} cannot be used: data set {dataset.dataset_id} has "
                    f"the format {dataset.format}, which is not supported. Choose "
                    "another one."
                )
            file = path / "dataset.arff"
            # Otherwise openml tries for a minute to fetch the Parquet form of the file.
            if file.exists():
                dataset.data_file = str(file)
        return self(file, dataset.get_data, target=target)[:2]


def _parse(file, root):
    found = ElementTree.parse(file).getroot()
    if not found.tag.endswith(f"}}{root}"):
        raise ValueError(f"it holds <{found.tag}> instead of <{root}>")
    return found
