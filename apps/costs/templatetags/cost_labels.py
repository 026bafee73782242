"""Template doors to the names of dimensions."""

from django import template

from apps.costs.labels import dimension_label

register = template.Library()
register.filter("dimension_label", dimension_label)
