"""The whole proof: what `make test` tries for seconds is tried here for minutes, and the figures are printed."""
