"""FOCUS's words for what bills call otherwise, and where they are left as they are."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.costs.wording import Wording, focus_unit, is_its_own_issuer, is_unit, issuers, services, units

WORDS = st.sampled_from(
    ["GB", "Lambda", "64K", "10", "/", "/Second", "-", " ", "Mo", "hrs", "Hour", "Requests", "é", "\n"]
)


def named(**words: str | int) -> Wording:
    """A wording that says nothing but what is given."""
    return Wording(**{**dict.fromkeys(Wording._fields), "keys": 1, **words})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bill", "unit"),
    [
        ("Hrs", "Hours"),
        ("days", "Days"),
        ("GB-Mo", "GB-Months"),
        ("Obj-Month", "Obj-Months"),
        ("DPU-Hour", "DPU-Hours"),
        ("LCU-Hrs", "LCU-Hours"),
        ("Lambda-GB-Seconds", "Lambda GB-Seconds"),
        ("GiB/Second-Months", "GiBps-Months"),
        ("64K-Chunks", "64 KiB Chunks"),
    ],
)
def test_units_get_the_format_of_focus(bill: str, unit: str) -> None:
    assert (focus_unit(bill), is_unit(bill), is_unit(unit)) == (unit, False, True)


@pytest.mark.parametrize(
    "unit", ["GB", "1000 Requests", "API Requests", "GB-Hours", "Requests/Day", "GB/3 Months", "Hours"]
)
def test_units_that_have_the_format_stay_as_they_are(unit: str) -> None:
    assert (focus_unit(unit), is_unit(unit), units([unit])) == (unit, True, {})


@pytest.mark.parametrize("unit", ["10K/Month", "%", "GB–Mo", "1/GB", "-Hours", "Zeichen pro Gespräch"])
def test_a_unit_that_nobody_can_tell_stays_as_it_is(unit: str) -> None:
    assert (focus_unit(unit), is_unit(unit)) == (unit, False)


@given(st.text() | st.lists(WORDS).map("".join))
def test_a_written_unit_is_written_the_same_again(text: str) -> None:
    written = focus_unit(text)

    assert focus_unit(written) == written
    assert written == text or is_unit(written)


@pytest.mark.parametrize(
    ("provider", "issuer", "own"),
    [
        ("AWS", "Amazon Web Services EMEA SARL", True),
        ("Google Cloud", "Google LLC", True),
        ("Microsoft Azure", "Microsoft Ireland Operations Limited", True),
        ("Oracle", "Oracle America, Inc.", True),
        ("OpenAI", "openai opco, llc", True),
        ("AWS", "Red Hat Inc.", False),
        ("AWS", "Reseller for AWS GmbH", False),
        ("Oracle", "Oracles of Delphi", False),
        ("Snowflake", "Amazon Web Services, Inc.", False),
    ],
)
def test_an_issuer_is_the_provider_where_it_is_one_of_its_own_companies(
    provider: str, issuer: str, *, own: bool
) -> None:
    assert is_its_own_issuer(provider, issuer) is own
    assert issuers([named(provider=provider, issuer=issuer)]) == ({issuer: {provider: provider}} if own else {})


def test_a_service_has_the_category_of_most_of_its_charge_keys() -> None:
    wordings = [
        named(service="EC2", category="Storage", subcategory="Block Storage", keys=8),
        named(service="EC2", category="Compute", subcategory="Virtual Machines", keys=5),
        named(service="EC2", category="Compute", keys=4),
        named(service="S3", category="Storage", keys=9),
        named(service="S3", category="Storage", subcategory="Other (Storage)", keys=9),
        named(service="RDS", keys=3),
    ]

    for order in permutations(wordings, len(wordings)):
        assert services(order) == {"EC2": ("Compute", "Virtual Machines")}


def test_of_two_categories_that_are_as_frequent_the_first_of_the_alphabet_is_taken() -> None:
    wordings = [named(service="Vertex", category=name) for name in ("Other", "AI and Machine Learning")]

    for order in permutations(wordings):
        assert services(order) == {"Vertex": ("AI and Machine Learning", "Other (AI and Machine Learning)")}
