"""SignTalk: from a signed sentence to text, or an honest "not sure"."""

__version__ = "0.1.0"
