"""Jobs: long work of a store that anyone can watch, cancel and take up again: imports, exports, backfills.

Answers for a job's state, progress, findings, lease and cancellation. What a job does is its domain's business, which
stands above and calls this one. May use `stores`.
"""
