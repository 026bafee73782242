"""What each role may do: one table, asked by the API, the pages and the menu."""

from enum import StrEnum

from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import Role, User


class Capability(StrEnum):
    """Something that a role may or may not do. What of the costs a user sees is their Scope's to say."""

    SEE_COSTS = "see costs"
    SEE_TEAMS = "see teams"
    SEE_DELIVERIES = "see data sources and deliveries"
    IMPORT_BILLS = "import bills"
    MANAGE_SOURCES = "manage data sources"
    MANAGE_RATES = "manage exchange rates"
    PUSH_UTILIZATION = "push utilisation"
    MANAGE_TEAMS = "manage teams"
    MANAGE_ORGANISATION = "manage the organisation's settings"
    SEE_PEOPLE = "see users"
    MANAGE_PEOPLE = "manage users"
    SEE_AUDIT = "see the audit log"
    MANAGE_OWN_TOKENS = "manage one's own API tokens"
    MANAGE_ALL_TOKENS = "see and revoke everybody's API tokens"
    MANAGE_SHARED_VIEWS = "delete shared views of others"


OWN_COSTS = frozenset({Capability.SEE_COSTS, Capability.SEE_TEAMS, Capability.MANAGE_OWN_TOKENS})
READ_ALL = OWN_COSTS | {Capability.SEE_DELIVERIES}

GRANTS: dict[Role, frozenset[Capability]] = {
    Role.ADMIN: frozenset(Capability),
    Role.FINANCE: READ_ALL
    | {Capability.SEE_PEOPLE, Capability.SEE_AUDIT}
    | {Capability.IMPORT_BILLS, Capability.MANAGE_RATES},
    Role.ENGINEERING_LEAD: OWN_COSTS,
    Role.VIEWER: READ_ALL,
}


def may(user: User | AnonymousUser, capability: Capability) -> bool:
    """Whether `user` may do it; who is not signed in or deactivated may do nothing."""
    return isinstance(user, User) and user.is_active and capability in GRANTS[Role(user.role)]
