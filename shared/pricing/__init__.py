"""Pricing: what a cart costs, and why.

Answers for one pure function, `cart.price_cart(lines, context)`: no database, no clock, no randomness, so the same cart
under the same context always costs the same. Reads no catalog and knows no promotion: the caller brings unit prices,
and what is taken off comes in with the context. May use no other domain.

The specification, in the order in which it is carried out; amounts are integer minor units of one currency:

1.  A line's *subtotal* is its unit price times its quantity. `compare_at`, the price that is crossed out, is explained
    in the trace and changes nothing.
2.  What is taken off the goods as a whole is at most their subtotal, and is spread over the lines in proportion to
    their subtotals, by largest remainder, so that the *discount* shares add up to it exactly. Equal remainders go to
    the line with the smaller id: the order of the lines in the input never matters.
3.  *Tax* is reckoned on what remains of a taxable line. Where prices are stated without tax, it is
    `remainder x rate`, and is added; where they are stated with it, it is `remainder x rate / (1 + rate)`, and is
    contained. Rounded half to even, once, here.
4.  A line's *total* is what the buyer pays for it: subtotal - discount, plus the tax where prices are without.
5.  *Shipping* is one amount for the cart, stated as the prices are (with or without tax) and taxed at the same rate,
    as a line of its own. An empty cart ships nothing.
6.  The cart's subtotal, discount and tax are the sums of its lines' (the tax on shipping stands beside, in
    `shipping_tax`); its *total* is the sum of the lines' totals and the shipping, plus the shipping's tax where prices
    are without.

Every number has its step in a trace. Adding the amounts of a trace's steps that count gives its total
(`cart.replay`); the steps that do not count explain what is contained in others.
"""
