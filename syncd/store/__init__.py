"""The state database: facts that are kept for ever and derived tables that can be made again from them.

SQL stays in this room; every function has a domain name and takes the transaction it works in.
"""
