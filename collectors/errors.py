"""What can be wrong with a delivery as a whole; the text is one sentence for the person who delivered it."""


class CollectorError(Exception):
    """Base of everything a collector raises on purpose; waiting does not help."""


class RefusedFileError(CollectorError):
    """The file is damaged, incomplete, dangerous or of a kind that cannot be imported."""


class UnknownFormatError(CollectorError):
    """No known billing format has this header."""
