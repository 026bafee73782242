"""Signals that other apps listen to."""

from django.dispatch import Signal

# Sent after the commit of a change to a team (created, deleted, other name, tag values or sub accounts) or to the
# organisation's tag keys, with sender Team or Organisation: which cost belongs to whom has to be decided again.
allocation_changed = Signal()
