"""Messages to people: what is to be said is a row first, and is sent by whoever finds it due.

Answers for queueing a message once, for delivering it with patience, and for the ways by which it goes (SES, SNS, files
on a laptop). Knows nothing of what it says. A message reaches a person at least once: between a provider's yes and our
record of it lies a moment in which a crash means that it is sent again. May use `stores`.
"""
