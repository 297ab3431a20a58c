"""OpenML's XML schemas, if present, and the error for XML that violates them."""

import functools
import html
import os
from pathlib import Path

from lxml import etree

REPOSITORY = Path(__file__).parents[2]
FOLDER = Path(
    os.environ.get(
        "SKLEARN_PARE_OPENML_XSD", REPOSITORY.parent / "shared" / "openml-xsd"
    )
)
AVAILABLE = FOLDER.is_dir()

# Messages of the original for XML that breaks a schema, by code.
_INVALID = {
    163: "Problem validating uploaded description file",
    202: "Could not validate run xml by xsd",
    209: "Error parsing uploaded file.",
    582: "Could not validate run xml by xsd.",
}


class Refusal(Exception):
    """OpenML's answer with status 412: an error code and a message."""

    def __init__(self, code, message, details=""):
        super().__init__(f"{code} {message} {details}")
        self.code, self.message, self.details = code, message, details


@functools.cache
def _schema(name):
    return etree.XMLSchema(etree.parse(FOLDER / f"openml.{name}.xsd"))


def parse(text, schema, code):
    """Parse XML; raise a Refusal with a code if it violates its schema.

    Parameters
    ----------
    text : bytes
    schema : str or None
        Part of the file's name, such as "run.upload". None skips the check.
    code : int

    Returns
    -------
    root : lxml.etree.Element
    """
    try:
        root = etree.fromstring(text)
    except etree.XMLSyntaxError as error:
        raise Refusal(code, "XML does not parse", str(error)) from error
    check(root, schema, code)
    return root


def check(root, schema, code):
    """Raise a Refusal if a tree violates its schema; pass if there are no schemas."""
    if schema is None or not AVAILABLE:
        return
    schema = _schema(schema)
    if not schema.validate(root):
        # The original lists all errors, escapes the quotes in them once more, and does
        # not end with the reason.
        lines = [
            f"Error {error.type} on line {error.line}: {html.escape(error.message)}"
            for error in schema.error_log
        ]
        lines = ["XML does not correspond to XSD schema.", *lines, "Not stored."]
        raise Refusal(code, _INVALID.get(code, "Invalid XML"), "\n".join(lines))
