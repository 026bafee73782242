"""The WSGI application that gunicorn serves."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from apps.core.time_limit import limit_statements

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
application = get_wsgi_application()
limit_statements(settings.WEB_STATEMENT_SECONDS)
