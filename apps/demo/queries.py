"""Reads about the demo: whether it is here, and what is to be found in it."""

from apps.accounts.models import User
from apps.demo.models import DemoOrganisation
from apps.demo.stories import Story
from apps.sources.models import Source


def demo_loaded() -> bool:
    """Whether the demo's logins work: from the start of the load until its removal begins."""
    return DemoOrganisation.objects.filter(removed_at=None, removing_at=None).exists()


def removal_begun() -> bool:
    """Whether the demo is being taken out, or a removal of it died half-way."""
    return DemoOrganisation.objects.filter(removed_at=None).exclude(removing_at=None).exists()


def is_empty() -> bool:
    """Whether nobody has used this database yet: no user, no source of bills, no demo before."""
    return not (User.objects.exists() or Source.objects.exists() or DemoOrganisation.objects.exists())


def wants_demo() -> bool:
    """Whether a start should load the demo: into an empty database, or because an earlier load died half-way."""
    return is_empty() or DemoOrganisation.objects.filter(removed_at=None, removing_at=None, loaded_at=None).exists()


def stories() -> list[Story]:
    """What is to be found in the demo's data; empty while it is not loaded."""
    demo = DemoOrganisation.objects.filter(removed_at=None, removing_at=None).first()
    return [Story.from_json(values) for values in demo.stories] if demo else []
