"""Amazon Web Services: the Cost and Usage Report in its three shapes."""
