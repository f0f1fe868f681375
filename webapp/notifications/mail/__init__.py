"""Mail to people: the outbox that is written with what happened, and the delivery that empties it."""
