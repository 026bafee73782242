"""Anthropic: the cost and usage reports of an organisation's Admin API."""
