"""Lists inside one parameter, written like a row of a CSV file: the one place that reads and writes them."""

import csv
import re
from collections.abc import Iterable

from apps.core.errors import UserError

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


class ListError(UserError):
    """A list that cannot be read; the text says what is wrong with it."""


def joined_values(values: Iterable[str]) -> str:
    """Values as a parameter has them: `a,b`; with a comma, quote or line break in it `"a,b"`; having none is `""`."""
    return ",".join(_quoted(value) if not value or re.search(r'[",\r\n]', value) else value for value in values)


def split_values(text: str, *, blanks_between: bool = False) -> list[str]:
    """The values of `a,"b,c"`; empty text is one empty value. With `blanks_between`, `a, "b"` is `a,"b"`.

    Raises ListError.
    """
    if re.search(r"[\r\n]", _QUOTED.sub("", text)) and text.count('"') % 2 == 0:
        raise ListError('A line break stands outside of quotes. Write a value with one in quotes, like "a%0Ab".')
    try:
        # split by the reader alone, which knows line ends inside quotes
        return next(csv.reader([text], strict=True, skipinitialspace=blanks_between), [""]) or [""]
    except csv.Error:
        message = 'The quotes do not match. Write a value with a comma or a quote like "a,b" or "19"" rack".'
        raise ListError(message) from None


def _quoted(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
