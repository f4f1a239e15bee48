"""Media: pictures that merchants upload or that are fetched for them, and the renditions that shoppers load.

Answers for uploads, refusing what is no picture, re-encoding, addresses and removal. Knows no product: the catalog says
where a picture is shown. May use `stores`.
"""
