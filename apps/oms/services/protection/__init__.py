"""The watcher of stop levels: it compares positions with prices and closes those that pass one."""
