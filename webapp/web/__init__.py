"""What every page needs of Flask: the guard, headers, errors, paging, times, files, the server.

It knows no page of the product.
It may import: platforms and core.
"""
