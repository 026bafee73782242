"""Exceptions whose text is meant for the person at the keyboard, or for the ledger."""


class UserError(Exception):
    """Something the user can put right: the text is one plain sentence that says what is wrong and what to do."""

    def __init__(self, text: str, *, field: str = "") -> None:
        """`field` is the input that it is about, where it is about one."""
        super().__init__(text)
        self.field = field


class OutdatedError(Exception):
    """What came later was loaded sooner: loading this would bring an old state back."""
