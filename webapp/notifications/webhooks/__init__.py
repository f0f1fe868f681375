"""A contract's webhook: where its events are sent, signed, tried again, and written down."""
