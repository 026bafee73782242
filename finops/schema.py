"""The database's tables: whether they fit this code, and how they are brought up to date."""

from django.apps import apps
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from apps.core.errors import UserError
from finops.progress import Progress

MIGRATING = 0x46_49_4E_4F_50_53  # the advisory lock's number: "FINOPS" in ASCII


def pending() -> list[str]:
    """Migrations that the database has not had, like "costs.0002_rates"."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def unknown() -> list[str]:
    """Migrations that the database has had from a newer version of the product than this one."""
    loader = MigrationExecutor(connection).loader
    installed = {app.label for app in apps.get_app_configs()}
    return [
        f"{app}.{name}"
        for app, name in sorted(loader.applied_migrations)
        if app in installed and (app, name) not in loader.disk_migrations
    ]


def bring_up_to_date(progress: Progress) -> None:
    """Apply what is pending, one process at a time; refuse a database of a newer version."""
    refuse_newer()
    if not pending():
        return
    with progress.step("Bringing the database's tables up to date"), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATING])
        try:
            call_command("migrate", interactive=False, verbosity=0)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATING])


def refuse_newer() -> None:
    """Raise UserError where the database cannot be reached or holds tables that this version does not know."""
    try:
        strangers = unknown()
    except OperationalError as error:
        raise UserError(f"The database cannot be reached: {_first_line(error)} Check FINOPS_DATABASE_URL.") from error
    if strangers:
        raise UserError(
            f"The database was written by a newer version of FinOps (it has had {strangers[0]}): "
            "update FinOps, or set FINOPS_DATABASE_URL or FINOPS_HOME to another database."
        )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") + "."
