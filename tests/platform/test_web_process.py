"""What the web process takes: every address that the product itself makes."""

from urllib.parse import urlencode

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestLine
from gunicorn.http.parser import RequestParser

from finops import gunicorn

RESOURCE = "arn:aws:elasticloadbalancing:eu-central-1:112480937561:loadbalancer/app/web-{}/50dc6c495c0c9188"


def request_line(rows: int) -> bytes:
    """The first line of a request for a view in which so many resources are chosen."""
    query = urlencode([("filter[resource]", ",".join(RESOURCE.format(number) for number in range(rows)))])
    return f"GET /costs/?{query} HTTP/1.1\r\nHost: finops\r\n\r\n".encode()


def test_fifty_chosen_resources_fit_into_an_address() -> None:
    settings = Config()
    settings.set("limit_request_line", vars(gunicorn).get("limit_request_line", settings.limit_request_line))

    asked = next(RequestParser(settings, [request_line(50)], None))
    assert asked.query.count("loadbalancer") == 50
    with pytest.raises(LimitRequestLine):
        next(RequestParser(settings, [request_line(100)], None))
