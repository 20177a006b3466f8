"""The store in SQL: SQLAlchemy Core over MySQL or MariaDB and SQLite, one schema for both."""
