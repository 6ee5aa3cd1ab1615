"""watchlist-provider: answers who is on the sanctions lists of OFAC and the United Nations."""
