"""Tables of the baseline revision, frozen: later changes are revisions of their own."""
