"""HTML pages of the app, one file per noun."""
