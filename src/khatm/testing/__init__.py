"""For tests of clients: a pytest plugin, a simulator as its fixture gives it, and transports for httpx.

Nothing is imported here, so that pytest can load the plugin in runs that do not use it.
"""
