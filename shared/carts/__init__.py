"""Carts: what a shopper means to buy, before anything is promised to anybody.

Answers for a guest's cart, its lines and its life: active, abandoned, converted, expired. Reserves nothing and takes no
personal data: that begins with a checkout. May use `inventory` (to hint at stock), `catalog`, `pricing` and `stores`.
"""
