"""Decimal text in APIs: every digit that counts, on its way in and out."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers


def exact_text(amount: Decimal) -> str:
    """An amount as the API writes it: every digit that counts, no exponent, no binary fraction on its way."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


class ExactField(serializers.CharField):
    """Decimal text; a JSON number with a fraction is refused, because it has lost digits already."""

    def to_internal_value(self, data: Any) -> str:
        """The text, or a whole number's."""
        if isinstance(data, float):
            raise serializers.ValidationError('Write it as text, like "1.0832": a number loses digits on its way.')
        return super().to_internal_value(data)

    def to_representation(self, value: Any) -> str:
        """Every digit that counts, never with an exponent."""
        return exact_text(value)
