"""Money of an account: costs, margin, funding, liquidation, transfers and contract settings."""
