"""Whatever leaves by mail or webhook: incidents, mails and events, each kept until it was delivered.

Pages for choosing and reading them lie here too.
It may import: web, sync, platforms and core.
"""
