"""HTTP routes of risk: switches of accounts, kill switches and risk policies."""
