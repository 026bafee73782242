"""Which devices are asked for, and which of them a reader may see."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from apps.accounts.scope import Scope
from apps.core.sql import read_sql
from apps.inventory.models import Resource
from apps.utilization.models import Device


@dataclass(frozen=True, slots=True)
class Gpus:
    """Which GPUs; empty text asks for all. `team` is the slug of who held them, or of the owner of their machine."""

    cluster: str = ""
    node: str = ""
    model: str = ""
    device: str = ""
    resource_id: str = ""
    team: str = ""
    search: str = ""


def devices(which: Gpus, *, scope: Scope) -> QuerySet[Device]:
    """The devices that are asked for, whatever they are."""
    found = Device.objects.filter(visible(scope))
    exact = {name: value for name in ("cluster", "node", "model", "device") if (value := getattr(which, name))}
    found = found.filter(**exact)
    if which.resource_id:
        found = found.filter(resource_id__in=names_of([which.resource_id]))
    if which.team:
        found = found.filter(visible(Scope((which.team,))))
    for word in which.search.split():
        found = found.filter(
            Q(node__icontains=word)
            | Q(device__icontains=word)
            | Q(model__icontains=word)
            | Q(cluster__icontains=word)
            | Q(resource_id__icontains=word)
        )
    return found


def devices_of(resource_ids: Sequence[str], *, scope: Scope) -> list[Device]:
    """The devices of resources, themselves first, by their ids or by other names of theirs."""
    found = Device.objects.filter(visible(scope), resource_id__in=names_of(resource_ids))
    return list(found.order_by("device", "source", "pk"))


def names_of(resource_ids: Sequence[str]) -> set[str]:
    """The ids, and the other names that the inventory knows for them."""
    known = Resource.objects.filter(Q(resource_id__in=resource_ids) | Q(aliases__overlap=list(resource_ids)))
    names = set(resource_ids)
    for resource_id, aliases in known.values_list("resource_id", "aliases"):
        names.update((resource_id, *aliases))
    return names


def visible(scope: Scope) -> Q:
    """Devices that a reader may see: those that pods of their teams held, or whose machine is their teams'."""
    if scope.teams is None:
        return Q()
    return Q(pk__in=_found("held_devices", scope.teams)) | Q(pk__in=_found("owned_devices", scope.teams))


def owned(teams: Sequence[str]) -> QuerySet[Device]:
    """Devices of machines whose charges are these teams'."""
    return Device.objects.filter(pk__in=_found("owned_devices", teams))


def _found(name: str, teams: Sequence[str]) -> RawSQL:
    return RawSQL(read_sql("utilization", name), [list(teams)])  # noqa: S611 - our own words
