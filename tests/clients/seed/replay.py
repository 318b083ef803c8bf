"""replay.py FILE: sends a recorded request as it is, prints the body of the reply."""
import http.client
import socket
import sys
from pathlib import Path
from zlib import decompress

with socket.create_connection(("api.infobip.com", 80), timeout=30) as connection:
    connection.sendall(Path(sys.argv[1]).read_bytes().replace(b"\n", b"\r\n"))
    reply = http.client.HTTPResponse(connection)
    reply.begin()
    body = reply.read()
    if reply.headers["Content-Encoding"] == "gzip":
        body = decompress(body, wbits=31)
    print(body.decode())
