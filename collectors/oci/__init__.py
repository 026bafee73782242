"""Oracle Cloud Infrastructure: the cost report in Oracle's own format."""
