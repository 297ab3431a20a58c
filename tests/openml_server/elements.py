"""Short helpers for XML in OpenML's namespace."""

from copy import deepcopy

from lxml import etree

SPACE = "http://openml.org/openml"
_MAP = {"oml": SPACE}


def element(name, /, *children, text=None, **attributes):
    """Return an element; keyword arguments become children with a text."""
    made = etree.Element(f"{{{SPACE}}}{name}", nsmap=_MAP)
    made.text = text
    for child in children:
        made.append(child)
    for key, value in attributes.items():
        made.append(element(key, text=str(value)))
    return made


def find(root, name):
    """Return the text of the first child of that name, or None."""
    return root.findtext(f"{{{SPACE}}}{name}")


def children(root, name):
    """Return the children of that name."""
    return root.findall(f"{{{SPACE}}}{name}")


def insert(root, name, text, *, before=None, after=None):
    """Insert a child before or after the child of a given name, by default first."""
    made = element(name, text=str(text))
    if after is not None:
        children(root, after)[-1].addnext(made)
    elif before is not None:
        children(root, before)[0].addprevious(made)
    else:
        root.insert(0, made)


def put(flow, made):
    """Add a parameter or component to a flow, before its tags."""
    tags = children(flow, "tag")
    if tags:
        tags[0].addprevious(made)
    else:
        flow.append(made)


def without(root, *names):
    """Return a copy without the children of those names."""
    root = deepcopy(root)
    for name in names:
        for child in children(root, name):
            root.remove(child)
    return root


def dump(root):
    """Return a tree as bytes."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
