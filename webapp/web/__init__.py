"""What every page needs of Flask: the guard, headers, errors, paging, times, files and the server that receives requests.

It knows no page of the product.
It may import: platforms and core.
"""
