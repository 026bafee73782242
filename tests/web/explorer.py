"""What tests of the cost explorer share: how its rows are read."""

JUNE = "start=2026-06-01&end=2026-06-30"


def shown(client, address):
    """What the page at the address shows in its first currency."""
    answer = client.get(address)
    assert answer.status_code == 200, answer.headers.get("Location")
    return answer.context["shown"][0]


def outermost(one):
    """The rows that are in no other."""
    return [row for row in one.rows if row.depth == 0]


def texts(one):
    """The rows as they are read, indented."""
    return [f"{'  ' * row.depth}{row.text}" for row in one.rows]
