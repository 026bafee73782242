"""Files in the FinOps Foundation's own format, FOCUS, whoever wrote them."""
