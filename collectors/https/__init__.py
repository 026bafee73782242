"""A file behind a web address."""
