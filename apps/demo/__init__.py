"""The demo organisation: thirteen months of bills of an invented company, with the stories that stand in them."""
