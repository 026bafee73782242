"""How mail leaves: the address of a mail server in Django's terms."""

import pytest

from finops.mail import MailServer, mail_server


def test_without_an_address_no_mail_is_sent() -> None:
    assert mail_server("").backend == "django.core.mail.backends.dummy.EmailBackend"


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls"),
    [("smtp://mail.example.com", 587, True, False), ("smtps://mail.example.com", 465, False, True)],
)
def test_the_scheme_says_how_it_is_encrypted(url: str, port: int, starttls: bool, tls: bool) -> None:
    found = mail_server(url)

    assert (found.host, found.port, found.starttls, found.tls) == ("mail.example.com", port, starttls, tls)


def test_user_and_password_may_hold_any_character() -> None:
    found = mail_server("smtp://me%40example.com:p%2Fw@mail.example.com:2525")

    assert isinstance(found, MailServer)
    assert (found.user, found.password, found.port) == ("me@example.com", "p/w", 2525)


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail.example.com", "smtp://"])
def test_what_is_no_mail_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="begins with smtp://"):
        mail_server(url)
