"""What every domain stands on: settings, database, tenancy, ids, money, time, errors, declarations, events, audit.

Core knows no domain and imports none (import-linter holds it). It grows only when two domains already have the thing.
"""
