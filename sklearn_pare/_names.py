"""Names that users type, against those that are known."""

import difflib

from sklearn_pare.exceptions import UnknownNameError

# As many names as can be read at a glance.
_SHOWN = 24


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
        A ValueError.

    Examples
    --------
    >>> from sklearn_pare._names import check_name
    >>> check_name("darcy", ["advection", "darcy"], "task")
    'darcy'
    """
    if isinstance(name, str) and name in known:
        return name
    near = difflib.get_close_matches(str(name).lower(), known, n=1, cutoff=0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    names = list(dict.fromkeys(known))
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    raise UnknownNameError(
        f"{what}={name!r} is unknown.{hint} There are "
        f"{', '.join(map(repr, names[:_SHOWN]))}{more}."
    )


def look_up(table, name, what):
    """``table[name]``, or the complaint of `check_name`."""
    return table[check_name(name, table, what)]
