"""Addresses have names of their own: a form of a page must never lead into the API."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver, reverse


def names(patterns: list[Any]) -> Iterator[str]:
    """The name of each address below, once for each address that has it."""
    for one in patterns:
        if hasattr(one, "url_patterns"):
            yield from names(one.url_patterns)
        elif one.name:
            yield one.name


def test_no_two_addresses_have_the_same_name():
    assert [name for name, times in Counter(names(get_resolver().url_patterns)).items() if times > 1] == []


def test_what_the_buttons_of_a_source_and_of_a_user_do_is_answered_with_a_page():
    doings = ["source-run", "source-backfill", "source-pause", "source-resume", "source-disconnect", "user-password"]
    assert [name for name in doings if reverse(name, args=[1]).startswith("/api/")] == []
