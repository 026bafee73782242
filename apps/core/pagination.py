"""How lists of the API are cut into pages."""

from typing import Final

from rest_framework.pagination import PageNumberPagination

PAGE_PARAMETERS: Final = ("page", "page_size")


class Pages(PageNumberPagination):
    """`count next previous results`; the caller picks `page` and `page_size`, at most 1,000."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1_000
