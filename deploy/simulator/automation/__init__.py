"""The resident uiautomator2 server of a phone: HTTP and JSON-RPC on a TCP port of the phone."""
