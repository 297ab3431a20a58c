"""Errors of openml without the key of OpenML, which it puts into addresses."""

from urllib.parse import quote, quote_plus


def redact(error):
    """Text of an error, the key of openml replaced by "(key)".

    Parameters
    ----------
    error : Exception or str

    Returns
    -------
    text : str
    """
    import openml

    text, key = str(error), openml.config.apikey
    for secret in (key, quote(key), quote_plus(key)) if key else ():
        text = text.replace(secret, "(key)")
    return text
