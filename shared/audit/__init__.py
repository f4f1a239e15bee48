"""The audit trail, sealed: each tenant's chain of blocks, its proofs, archives, and whoever reads or verifies them.

What a change leaves behind is written by `core.audit`, with the change. A minute later, or at once after something
critical, the sealer makes a block of what has come since: the rows' ids and hashes in their order, the hash of the
block before, and a MAC by a key that neither the database nor the application can read. Every day the head of each
chain goes to the vault, where nobody can replace or delete it, so that a chain cut off at its end is noticed, too.
What is not sealed yet is not protected: that window is what `sealing.longest_wait` measures. May use `jobs`.
"""
