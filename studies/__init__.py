"""Studies behind the tables of the documentation; see ``python -m studies``."""
