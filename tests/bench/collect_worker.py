"""A worker of a benchmark: python -m tests.bench.collect_worker DATABASE QUEUE PROCESSES."""

import os
import sys

import django

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    django.setup()
    from django.db import connection

    from finops.celery import app

    database, queue, processes = sys.argv[1:]
    connection.settings_dict["NAME"] = database  # its processes are forked, and take it over
    app.conf.task_default_queue = queue
    words = ["worker", f"--queues={queue}", f"--concurrency={processes}", "--without-gossip", "--without-mingle"]
    app.worker_main([*words, f"--hostname={queue}@%h", "--loglevel=WARNING"])
