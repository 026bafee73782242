"""`make bench`: runs the benchmarks, one JSON line each; `python -m tests.bench NAME ...` runs some of them."""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module

from tests.bench.home import HOME

PLACES = {
    "import_parquet": "imports",
    "import_csvgz": "imports",
    "import_memory_1m": "imports",
    "import_memory_5m": "imports",
    "reimport": "imports",
    "explorer_db_p95": "explorer",
    "explorer_api_p95": "explorer",
    "explorer_tag": "explorer",
    "explorer_resource": "explorer",
    "collect_1_worker": "collecting",
    "collect_2_workers": "collecting",
    "collect_speedup": "collecting",
    "collect_memory": "collecting",
    "utilization_64x30d": "utilization",
    "heatmap_1000x30d": "utilization",
    "prometheus_64x30d": "prometheus",
    "prometheus_bare": "prometheus",
    "gpus_1000x1d": "prometheus",
    "gpus_1000x1d_memory": "prometheus",
    "overview_page": "pages",
    "explorer_page": "pages",
    "page_size": "pages",
    "first_chart": "pages",
}


def main(names: list[str]) -> None:
    """Run the named benchmarks, all when none is named, on embedded servers of their own."""
    if unknown := set(names) - set(PLACES):
        sys.exit(f"No benchmark is called {', '.join(sorted(unknown))}. There are: {', '.join(PLACES)}.")
    os.environ["FINOPS_HOME"] = str(HOME)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops.settings")
    import django

    django.setup()
    from finops.embedded import EmbeddedServers
    from finops.progress import Progress
    from finops.schema import bring_up_to_date

    with EmbeddedServers().running(Progress(errors=True)):
        bring_up_to_date(Progress(errors=True))
        for name in names or PLACES:
            benchmark: Callable[[], tuple[float, str]] = getattr(import_module(f"tests.bench.{PLACES[name]}"), name)
            value, unit = benchmark()
            print(json.dumps({"bench": name, "value": value, "unit": unit}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
