"""gunicorn's settings for the web process: one process with threads, so that metrics and caches are one."""

from finops.settings import LOGGING

wsgi_app = "finops.wsgi:application"
worker_class = "gthread"
workers = 1
threads = 8
limit_request_line = 8190  # the most it allows: a view of many open rows or chosen values is long
timeout = 120
graceful_timeout = 5
keepalive = 5
proc_name = "finops-web"
logconfig_dict = LOGGING
control_socket_disable = True
