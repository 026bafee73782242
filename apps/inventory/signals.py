"""Signals that other apps listen to."""

from django.dispatch import Signal

# Sent within the transaction that changed tags or ids of resources, with `names`: the ids by which bills may call them.
# Charges take their team from a resource's tags where their own name none.
tags_changed = Signal()
