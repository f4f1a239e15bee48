"""Files on their way to a running system, over HTTP, as a merchant's program sends them."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

_BORDER = "file-of-products"


def send(url: str, fields: Mapping[str, str], file: bytes) -> int:
    """Send a form with a file, as a browser does; return the status."""
    parts = [
        f'--{_BORDER}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in fields.items()
    ]
    head = f'--{_BORDER}\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
    head += "Content-Type: text/csv\r\n\r\n"
    body = "".join(parts).encode() + head.encode() + file + f"\r\n--{_BORDER}--\r\n".encode()
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=30)
    try:
        headers = {"Content-Type": f"multipart/form-data; boundary={_BORDER}"}
        connection.request("POST", f"{address.path}?{address.query}" if address.query else address.path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()
