"""A folder of files on this server."""
