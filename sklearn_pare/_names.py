"""Names that a user may get wrong."""

import difflib

from sklearn_pare.exceptions import UnknownNameError


def look_up(table, name, what):
    """``table[name]``, or an error that suggests the nearest name.

    Parameters
    ----------
    table : dict
        Name -> anything.
    name : str
    what : str
        What is named.

    Raises
    ------
    UnknownNameError
        If there is no such name; a ValueError.
    """
    if isinstance(name, str) and name in table:
        return table[name]
    near = difflib.get_close_matches(str(name).lower(), table, 1, 0.4)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnknownNameError(
        f"{what}={name!r} is unknown.{hint} There are {', '.join(map(repr, table))}."
    )
