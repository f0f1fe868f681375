"""Who is in a contract: lists, filters, counts and what may be done with whom."""
