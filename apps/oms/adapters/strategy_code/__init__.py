"""Code of strategies: files and packages of users, and the process that runs it."""
