"""HTTP routes of the web desk's page: its files, and reports of its content security policy."""
