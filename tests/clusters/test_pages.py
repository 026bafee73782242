"""The page of clusters and its API: the same numbers in the same words, and each reader's own."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import AuditEvent, Organisation, Role, Team, User
from apps.accounts.services import update_team
from apps.clusters.models import Pod, Prices
from apps.clusters.owners import decide_owners
from tests.clusters.made_up import DAY, load, node, pod
from tests.ledger import charge, load_charges

JUNE = {"start": "2026-06-01", "end": "2026-06-30"}
PAGE = "/clusters/?start=2026-06-01&end=2026-06-30"


def ask(client: Client, **parameters: str) -> dict[str, Any]:
    """The API's answer; its rows add up to its total."""
    response = client.get("/api/v1/clusters/", JUNE | parameters)
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    assert sum(Decimal(row["cost"]) for row in answer["rows"]) == Decimal(answer["total"])
    return answer


def rows(answer: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(*row["keys"].values(), row["cost"], row["idle"]) for row in answer["rows"]]


def test_the_api_divides_bills_and_says_what_nobody_had(finance: Client) -> None:
    answer = ask(finance, group_by="namespace")

    assert rows(answer) == [("shop", "18", False), ("ml", "12", False), (None, "42", True)]
    assert answer["totals"] == [{"currency": "USD", "cost": "72", "allocated": "30", "idle": "42"}]
    assert (answer["meta"]["nodes"], answer["meta"]["currency"]) == (1, "USD")
    (missing,) = answer["unmatched"]
    assert (missing["node"], missing["reason"], missing["days"]) == ("n2", "no_machine", 1)
    assert "provider id" in missing["detail"]


def test_teams_have_what_their_labels_name_else_what_their_namespace_names(finance: Client) -> None:
    assert rows(ask(finance, group_by="team")) == [
        ("search", "18", False),
        ("ml", "12", False),
        (None, "42", True),
    ]


def test_days_limits_filters_and_shared_idle(finance: Client) -> None:
    by_day = ask(finance, granularity="day", group_by="namespace", limit="1")
    assert [(row["date"], row["keys"]["namespace"], row["cost"]) for row in by_day["rows"]] == [
        ("2026-06-03", "shop", "6"), ("2026-06-03", "ml", "12"), ("2026-06-03", None, "6"),
        ("2026-06-04", "shop", "12"), ("2026-06-04", None, "36"),
    ]  # fmt: skip
    cut = ask(finance, group_by="pod,node", limit="1", **{"filter[cluster]": "prod"})
    assert rows(cut) == [("web-1", "n1", "18", False), ("train-1", "n1", "12", False), (None, "n1", "42", True)]
    shared = ask(finance, group_by="workload", idle="shared")
    assert rows(shared) == [("Deployment/web", "56", False), ("Job/train", "16", False)]
    part = ask(finance, group_by="pod", **{"filter[label:app]": "web"})
    assert rows(part) == [("web-1", "18", False)]


def test_what_lies_beyond_the_limit_is_one_row(finance: Client) -> None:
    load([node(cpu=24, cluster="other"), *(pod(name, cpu=4, cluster="other") for name in "abc")])

    answer = ask(finance, group_by="pod", limit="2")

    assert [row.get("groups") for row in answer["rows"]] == [None, None, 3, None]
    assert answer["rows"][2]["other"] is True


@pytest.mark.parametrize(
    ("parameters", "field", "says"),
    [
        ({"group_by": "service"}, "group_by", "'service' is no dimension. Use namespace, workload"),
        ({"group_by": "pod,pod"}, "group_by", "up to 3 different dimensions"),
        ({"filter[x]": "1"}, "filter[x]", "'x' is no dimension"),
        ({"metric": "list"}, "metric", "effective, billed"),
        ({"idle": "hidden"}, "idle", "own, shared"),
        ({"granularity": "week"}, "granularity", "none, day"),
        ({"order": "x"}, "order", "is not a parameter"),
        ({"end": "2026-05-01"}, "end", "is before the start"),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(
    finance: Client, parameters: dict[str, str], field: str, says: str
) -> None:
    response = finance.get("/api/v1/clusters/", JUNE | parameters)

    assert response.status_code == 400
    problem = response.json()
    assert says in str(problem), problem
    assert field in str(problem["errors"])


def test_who_sees_one_team_sees_its_pods_and_neither_idle_nor_nodes(lead: Client) -> None:
    answer = ask(lead, group_by="namespace")

    assert rows(answer) == [("shop", "18", False)]
    assert (answer["unmatched"], answer["meta"]["nodes"]) == ([], 0)
    page = lead.get(f"{PAGE}&group_by=namespace").content.decode()
    assert "$18" in page
    for hidden in ("train", ">ml<", "$42", "n2", "Nodes without a bill"):
        assert hidden not in page
    assert "train" not in lead.get("/clusters/table.csv", JUNE | {"group_by": "workload"}).getvalue().decode()


def test_a_bill_that_cannot_be_converted_is_told_to_those_alone_who_bear_it(lead: Client, finance: Client) -> None:
    load([node("n9", cpu=8, cluster="other"), pod("train-9", cpu=4, node="n9", cluster="other", namespace="ml")])
    load_charges([charge(DAY, "5", resource_id="i-n9", billing_currency="SEK")], source="others")

    answer = ask(lead, group_by="namespace", currency="USD")
    assert rows(answer) == [("shop", "18", False)]
    for client, status in ((lead, 200), (finance, 400)):
        said = client.get("/api/v1/clusters/", JUNE | {"currency": "USD"})
        assert said.status_code == status
    load_charges([charge(DAY, "5", resource_id="i-n1", billing_currency="SEK")], source="more")
    assert lead.get("/api/v1/clusters/", JUNE | {"currency": "USD"}).status_code == 400


def test_a_label_of_others_is_not_offered(lead: Client, finance: Client) -> None:
    load([node(cpu=24, cluster="other"), pod("x", cpu=4, cluster="other", labels={"secret_project": "y"})])

    assert "secret_project" not in lead.get(PAGE).content.decode()
    assert "secret_project" in finance.get(PAGE).content.decode()


def test_the_page_shows_the_same_numbers_and_leads_inside(finance: Client) -> None:
    page = finance.get(f"{PAGE}&group_by=namespace").content.decode()

    for shown in ("$72", "$42", "$30", "58.3% of the nodes", "Nodes without a bill", "provider id is empty"):
        assert shown in page
    assert "group_by=workload&amp;filter[namespace]=shop" in page
    inside = finance.get(f"{PAGE}&group_by=workload&filter[namespace]=shop").content.decode()
    assert "Deployment/web" in inside
    assert "Job/train" not in inside
    deeper = finance.get(f"{PAGE}&group_by=pod&filter[namespace]=shop&filter[workload]=Deployment/web")
    assert "web-1" in deeper.content.decode()


def test_without_parameters_the_page_shows_namespaces_of_the_last_30_days(finance: Client) -> None:
    response = finance.get("/clusters/")

    assert (response.status_code, response["Location"]) == (302, "/clusters/?period=last_30d&group_by=namespace")
    page = finance.get(response["Location"]).content.decode()
    assert "The newest day with usage is 4 Jun 2026." in page
    assert "start=2026-06-01&amp;end=2026-06-04" in page


def test_what_an_address_says_wrongly_is_told_and_left_out(finance: Client) -> None:
    page = finance.get(f"{PAGE}&group_by=service&filter[x]=1").content.decode()

    assert "group_by was ignored" in page
    assert "filter[x] was ignored" in page
    assert "$72" in page


def test_a_missing_rate_leaves_amounts_as_billed(finance: Client) -> None:
    Organisation.objects.update_or_create(pk=1, defaults={"reporting_currency": "EUR"})

    page = finance.get(f"{PAGE}&group_by=namespace").content.decode()

    assert "without an exchange rate to EUR in June 2026" in page
    assert "$72" in page


def test_the_csv_holds_every_digit_and_no_formula(finance: Client) -> None:
    load([node("n3", cpu=3, cluster="=cmd"), *(pod(name, cpu=1, node="n3", cluster="=cmd") for name in "abc")])
    load_charges([charge(DAY, "0.1", resource_id="i-n3")], source="other")

    response = finance.get("/clusters/table.csv", JUNE | {"group_by": "cluster,pod", "granularity": "day"})

    lines = list(csv.DictReader(io.StringIO(response.getvalue().decode())))
    assert sum(Decimal(line["cost"]) for line in lines) == Decimal("72.1")
    idle = [line for line in lines if line["cluster"] == "'=cmd" and line["row"] == "idle"]
    assert [(line["cost"], line["date"]) for line in idle] == [("0.000000000000000001", "2026-06-03")]
    assert response["Content-Disposition"] == 'attachment; filename="clusters_2026-06-01_2026-06-30.csv"'


def test_a_csv_that_cannot_be_made_leads_to_the_page_which_says_why(finance: Client) -> None:
    response = finance.get("/clusters/table.csv", JUNE | {"group_by": "service"})

    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/clusters/")


def test_before_any_cluster_the_page_says_how_to_connect_one(browser_of: Callable[..., Client]) -> None:
    admin = browser_of(Role.ADMIN)

    page = admin.get(PAGE).content.decode()

    assert "No cluster yet" in page
    assert '/sources/connect/kubernetes/"' in page


def test_clusters_without_any_bill_say_so_node_by_node(browser_of: Callable[..., Client]) -> None:
    load([node(cpu=24), pod("a", cpu=6)])

    page = browser_of(Role.FINANCE).get(PAGE).content.decode()

    assert "No node has a bill in 1–30 Jun 2026" in page
    assert "No bill that was imported has a charge for this machine" in page


def test_finance_divides_by_other_prices_and_others_may_not(finance: Client, lead: Client) -> None:
    given = {"cpu_core_hour": "3", "memory_gib_hour": "0.5", "gpu_hour": "20"}
    assert lead.post("/clusters/prices/", given).status_code == 403

    response = finance.post("/clusters/prices/?group_by=pod", given)

    assert (response.status_code, response["Location"]) == (302, "/clusters/?group_by=pod#prices")
    assert Prices.current().memory_gib_hour == Decimal("0.5")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.after["gpu_hour"]) == ("clusters.prices", "20.0000000000")
    wrong = finance.post("/clusters/prices/", given | {"gpu_hour": "0"})
    assert (wrong.status_code, "Write a price above 0" in wrong.content.decode()) == (200, True)


def test_prices_by_api_are_exact_text(finance: Client, lead: Client) -> None:
    path = "/api/v1/clusters/prices/"
    assert lead.get(path).json() == {"cpu_core_hour": "2", "memory_gib_hour": "1", "gpu_hour": "10"}
    given = {"cpu_core_hour": "0.031611", "memory_gib_hour": "0.004237", "gpu_hour": "0.95"}

    assert finance.put(path, given, content_type="application/json").json() == given
    for wrong in ({**given, "gpu_hour": "-1"}, {**given, "gpu_hour": 0.95}, {"gpu_hour": "1"}):
        assert finance.put(path, wrong, content_type="application/json").status_code == 400
    assert lead.put(path, given, content_type="application/json").status_code == 403


def test_when_teams_change_pods_change_hands(cluster: None, admin: User) -> None:
    assert set(Pod.objects.values_list("pod", "team")) == {("web-1", "search"), ("train-1", "ml")}
    team = Team.objects.get(slug="search")

    update_team(team=team, actor=admin, tag_values=["other"])

    assert decide_owners() == 1
    assert Pod.objects.get(pod="web-1").team == ""
    Organisation.objects.update_or_create(pk=1, defaults={"team_tag_keys": ["cost-owner", "team"]})
    load(
        [node(cpu=1, cluster="x"), pod("y", cpu=1, cluster="x", labels={"cost_owner": "ML platform", "team": "search"})]
    )
    assert Pod.objects.get(pod="y").team == "ml", "the first key counts, as Prometheus writes it"


def test_questions_do_not_grow_with_nodes_or_pods(finance: Client) -> None:
    def queries(path: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert finance.get(path).status_code == 200
        return len(captured)

    load_charges([charge(DAY, "5", resource_id="i-m0")], source="big")
    paths = (f"{PAGE}&group_by=pod", "/api/v1/clusters/?start=2026-06-01&end=2026-06-30&group_by=pod")
    before = [queries(path) for path in paths]
    load([
        row
        for number in range(30)
        for row in (
            node(f"m{number}", cpu=24, cluster="big"),
            *(pod(f"p{number}-{at}", cpu=2, node=f"m{number}", cluster="big") for at in range(10)),
        )
    ])  # fmt: skip
    load_charges([charge(DAY, "5", resource_id=f"i-m{number}") for number in range(30)], source="big")

    assert [queries(path) for path in paths] == before
    assert max(before) <= 20
