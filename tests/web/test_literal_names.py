"""Names in bills that are written like HTML stand in charts as they are written."""

from datetime import date

from apps.accounts.models import Role

EVIL = '<a href="https://evil.example/">Sign in</a> & <b>x</b>'


def test_a_name_written_like_html_is_no_html_in_a_chart(browser_of, spend):
    """Plotly draws `<b>` bold, `<br>` as another row of the box, and leaves what it does not know away."""
    spend((date(2026, 6, 3), "12", {"service_name": EVIL}), (date(2026, 6, 4), "1", {"service_name": EVIL}))
    client = browser_of(Role.FINANCE)

    page = client.get("/costs/?start=2026-06-01&end=2026-06-30&granularity=day&group_by=service")

    traces = [trace for one in page.context["shown"] for trace in one.figure["data"]]
    assert '&lt;a href="https://evil.example/">Sign in&lt;/a> &amp; &lt;b>x&lt;/b>' in {one["name"] for one in traces}
    assert EVIL not in page.content.decode()
