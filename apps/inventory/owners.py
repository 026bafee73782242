"""Which team a resource belongs to, decided by the rule by which charges are allocated."""

from apps.accounts.models import Organisation
from apps.core.sql import run_sql


def decide_owners(*, only_new: bool = False) -> None:
    """Bring the owners of all states in line with teams and tag keys; or of those that have none decided yet.

    Like costs, the past is told by the rules of today.
    """
    keys = [key.lower() for key in Organisation.current().team_tag_keys]
    run_sql("inventory", "owners", {"only_new": only_new, "team_keys": keys})
