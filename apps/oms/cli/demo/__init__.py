"""``oms demo``: a paper installation with a past, to look at."""
