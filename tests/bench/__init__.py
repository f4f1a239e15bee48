"""Figures: how long things take, beside the least that they could take. `make bench` prints them."""
