"""The built web desk: its files in memory, and the headers that they are served with."""
