"""Adapters that turn what providers send into frames in FOCUS's words. Pure Python: no Django, database or clock."""
