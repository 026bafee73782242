"""`finops up`: what it starts, what it says, and that nothing stays behind.

These tests start every process of the product for real, which takes about five seconds each on two cores.
"""

import json
import os
import re
import signal
import subprocess
import time

import pytest

from tests.platform.product import FINOPS, PATIENCE, Product


def test_up_starts_everything_says_so_and_ctrl_c_leaves_no_process(product: Product) -> None:
    up = product.up()

    assert json.loads(product.get("/readyz")) == {"ready": True, "reasons": {}}
    assert "finops_http_requests_total" in product.get("/metrics")
    assert f"http://127.0.0.1:{product.port}" in product.output.read_text()
    assert re.search(r"PostgreSQL 18.* \d+\.\d s\n", product.output.read_text())

    os.killpg(up.pid, signal.SIGINT)
    assert up.wait(PATIENCE) == 0
    assert product.wait_until_gone() == []
    assert product.output.read_text().endswith("Stopping ...\nStopped.\n")


def test_a_second_instance_is_refused_and_a_dead_worker_is_started_again(product: Product) -> None:
    up = product.up()

    second = product.run("up")
    assert second.returncode == 1
    assert re.fullmatch(r"Error: FinOps runs already from .*process \d+.*: stop it first.*\n", second.stderr)

    worker = product.process("celery", "worker")
    worker.kill()
    product.wait_for("worker has ended (killed by SIGKILL)", up)
    product.wait_for("worker has been started again", up)
    assert product.process("celery", "worker").pid != worker.pid

    up.send_signal(signal.SIGTERM)
    assert up.wait(PATIENCE) == 0
    assert product.wait_until_gone() == []


def test_a_dead_database_is_started_again_and_the_pages_come_back(product: Product) -> None:
    up = product.up()

    product.process("bin/postgres", "-D").kill()
    product.wait_for("PostgreSQL 18 has ended", up)
    product.wait_for("PostgreSQL 18 has been started again", up)

    assert json.loads(product.get("/readyz"))["ready"]
    os.kill(up.pid, signal.SIGHUP)
    assert up.wait(PATIENCE) == 0
    assert product.wait_until_gone() == []


def test_after_a_kill_of_the_supervisor_the_next_start_takes_the_servers_over(product: Product) -> None:
    product.up().kill()
    deadline = time.monotonic() + 20
    while product.processes(["gunicorn"]) + product.processes(["celery"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert product.processes(["gunicorn"]) + product.processes(["celery"]) == []
    server = product.process("bin/postgres", "-D")

    up = product.up()
    assert product.process("bin/postgres", "-D") == server
    up.send_signal(signal.SIGTERM)
    assert up.wait(PATIENCE) == 0
    assert product.wait_until_gone() == []


def test_the_first_start_of_a_new_home_shows_a_password_once_and_it_works_without_a_terminal(
    new_product: Product,
) -> None:
    reading, writing = os.pipe()
    up = subprocess.Popen(
        [*FINOPS, "up"], env=new_product.environment, stdout=writing, stderr=writing, start_new_session=True
    )
    os.close(writing)
    said = b""
    while b"Ctrl-C" not in said and (part := os.read(reading, 4096)):
        said += part
    os.close(reading)  # from now on every word that it says is an error, as with a closed terminal

    assert re.search(rb'"admin" with the password \S{12,} \(shown once', said), said
    os.kill(up.pid, signal.SIGHUP)
    assert up.wait(PATIENCE) == 0
    assert new_product.wait_until_gone() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_of_the_start_leaves_no_process(product: Product, number: signal.Signals) -> None:
    # a script that starts it in the background hands it an ignored SIGINT
    in_background = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
    with product.output.open("w") as output:
        up = subprocess.Popen([*in_background, *FINOPS, "up"], env=product.environment, stdout=output, stderr=output)
    product.wait_for("Web", up)

    up.send_signal(number)
    assert up.wait(PATIENCE) == 0
    assert product.wait_until_gone() == []
