"""What can be wrong with a delivery or its provider; the text is one sentence for the person who has to act."""


class CollectorError(Exception):
    """Base of everything a collector raises on purpose; waiting does not help."""


class RefusedFileError(CollectorError):
    """The file is damaged, incomplete, dangerous or of a kind that cannot be imported."""


class UnknownFormatError(CollectorError):
    """No known billing format has this header."""


class ProviderRefusedError(CollectorError):
    """The provider will not: credentials, permissions or settings are wrong. Shown to people, never retried."""

    def __init__(self, text: str, *, permission: str = "") -> None:
        """`permission` is the one that is missing, in the provider's own words, where that is known."""
        super().__init__(text)
        self.permission = permission


class ProviderUnavailableError(CollectorError):
    """The provider cannot now, or what it has is being written: the same question later may be answered."""

    def __init__(self, text: str, *, retry_after: float | None = None) -> None:
        """`retry_after` is how many seconds the provider asks to be left alone, where it says so."""
        super().__init__(text)
        self.retry_after = retry_after


class NotReadyError(ProviderUnavailableError):
    """One delivery cannot be had yet: it is being written, or changed while it was read. Others can."""
