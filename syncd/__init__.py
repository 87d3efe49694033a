"""syncd keeps a vendor's CRM and its partner portal agreed on who may pursue which account."""

__version__ = "0.1.0"
