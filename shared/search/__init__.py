"""Search: how shoppers come to a product. The lists, filters, facets, pages and search of what is on sale.

Answers for the read model `product_summaries`: made of the catalog, the stock and the sales by their events, compared
with them every night, and served with one statement a request. Decides nothing: the checkout asks the truth itself.
May use every domain below `checkout`.
"""
