"""HTTP, sockets and the live page."""
