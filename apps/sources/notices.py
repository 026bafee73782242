"""Mail about sources: their owner learns that one was paused because it kept failing."""

from django.conf import settings
from django.core.mail import send_mail
from django.urls import reverse

from apps.sources.models import Source


def tell_owner(source_id: int) -> bool:
    """Write to the owner of a source that is paused for its failures. Whether there was somebody to write to."""
    source = Source.objects.select_related("owner").filter(pk=source_id, is_active=False).first()
    if source is None or source.owner is None or not source.owner.email:
        return False
    lines = [
        f"{source.name} is paused: nothing is collected from it until it is resumed.",
        source.paused_reason,
        "Costs that were collected before stay as they are.",
        f"{settings.PUBLIC_URL}{reverse('source', args=[source.pk])}",
    ]
    send_mail(f"Data source {source.name} is paused", "\n\n".join(filter(None, lines)), None, [source.owner.email])
    return True
