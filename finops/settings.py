"""Django's settings: wiring only; what an operator may change comes from finops.environment."""

from ipaddress import ip_network
from pathlib import Path

from celery.schedules import crontab
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.contrib.messages import constants as messages

from finops.embedded import database_settings, redis_url
from finops.environment import CHECKOUT, environment, split_words
from finops.logs import logging_settings
from finops.mail import mail_server

ENV = environment()
ENV.make_folders()
BASE_DIR = CHECKOUT
FINOPS_HOME = ENV.home
SECRET_KEY = ENV.read_secret_key()
DEBUG = ENV.debug
ALLOWED_HOSTS = [host.strip() for host in ENV.allowed_hosts.split(",")]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.core",
    "apps.accounts",
    "apps.inventory",
    "apps.pricing",
    "apps.costs",
    "apps.clusters",
    "apps.utilization",
    "apps.sources",
    "apps.dashboards",
    "apps.demo",
]

LOGGING = logging_settings(ENV.log_level, ENV.log_format)

MIDDLEWARE = [
    "finops.metrics.RequestMetrics",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "apps.core.middleware.NoZeroCharacters",
    "apps.core.middleware.TooSlowAnswers",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "apps.accounts.middleware.OneTimePasswordMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "finops.urls"
WSGI_APPLICATION = "finops.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                ("django.template.loaders.cached.Loader", ["django.template.loaders.filesystem.Loader"]),
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.dashboards.shell.shell",
                "apps.demo.shell.demo",
            ],
        },
    }
]

DATABASES = {"default": database_settings()}
WEB_STATEMENT_SECONDS = ENV.web_statement_seconds
POINTS_DAYS = ENV.points_days
UTILIZATION_MONTHS = ENV.utilization_months

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["apps.accounts.signin.ThrottledBackend"]
LOGIN_URL = "/login/"
LOGOUT_URL = "/logout/"
PASSWORD_CHANGE_URL = "/password/"  # noqa: S105 - an address
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

MESSAGE_TAGS = {messages.SUCCESS: "good", messages.WARNING: "warn", messages.ERROR: "bad"}

LANGUAGE_CODE = "en-gb"
USE_I18N = False
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(ENV.home) / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
FILE_UPLOAD_TEMP_DIR = str(Path(ENV.home) / "tmp")
MAX_UPLOAD_BYTES = ENV.max_upload_mb * 1_000_000

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENV.public_url.startswith("https://")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
TRUSTED_PROXIES = ENV.trusted_proxies
SECRETS_KEYS = ENV.secrets_key.get_secret_value()
SECRETS_KEY_FILE = ENV.secrets_key_file or Path(ENV.home) / "secrets_key"
SOURCE_FOLDERS = [Path(name) for name in split_words(ENV.source_folders)]
ALLOWED_NETWORKS = [ip_network(name) for name in split_words(ENV.allow_private_addresses)]
PUBLIC_URL = ENV.public_url.rstrip("/")
DEFAULT_FROM_EMAIL = ENV.mail_from
_MAIL = mail_server(ENV.smtp_url.get_secret_value())
EMAIL_BACKEND = _MAIL.backend
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_TLS, EMAIL_USE_SSL = _MAIL.starttls, _MAIL.tls
EMAIL_TIMEOUT = 20
CSRF_TRUSTED_ORIGINS = [ENV.public_url] if ENV.public_url else []
if SESSION_COOKIE_SECURE and TRUSTED_PROXIES:  # without a proxy the header is the caller's own claim
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# style attributes: Plotly positions its layers with them; no inline <style> or <script> is ever allowed
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "style-src-attr": [UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerAuthentication",
        "apps.accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.pagination.Pages",
    "EXCEPTION_HANDLER": "apps.core.problems.exception_handler",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "apps.core.parsers.JSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "FinOps API",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "DeliveryStatusEnum": "apps.sources.models.Delivery.Status",
        "ResourceKindEnum": "collectors.resources.KINDS",
        "RunStatusEnum": "apps.sources.models.Run.Status",
        "SourceKindEnum": "collectors.connections.KINDS",
        "TokenScopeEnum": "apps.accounts.models.TokenScope",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.problems.document_problems",
    ],
}

CELERY_BROKER_URL = redis_url()
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5.0  # how long a stopping worker lets tasks finish before it gives them back
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULE = {
    "tend the ledger of deliveries": {"task": "apps.sources.tasks.tend_ledger", "schedule": 60.0},
    "run what is due": {"task": "apps.sources.tasks.run_due", "schedule": 30.0},
    "forget old utilisation": {"task": "apps.utilization.tasks.forget", "schedule": crontab(hour=3, minute=17)},
    "go on with a removal of the demo": {"task": "apps.demo.tasks.finish_removal", "schedule": 60.0},
}
