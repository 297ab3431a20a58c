"""Names that users type, against those that are known."""

import difflib

from sklearn_pare.exceptions import UnknownNameError


def check_name(name, known, what):
    """Complain about a name that is not known, and suggest the nearest.

    Parameters
    ----------
    name : object
    known : collection of str
    what : str
        What the name stands for, such as "task".

    Returns
    -------
    name : str
        The same.

    Raises
    ------
    UnknownNameError

    Examples
    --------
    >>> from sklearn_pare._names import check_name
    >>> check_name("darcy", ["advection", "darcy"], "task")
    'darcy'
    """
    if name in known:
        return name
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    raise UnknownNameError(
        f"There is no {what} {name!r}."
        + (f" Did you mean {near[0]!r}?" if near else "")
        + f" Known: {', '.join(known)}."
    )
