"""Python's http.client: repeats nothing."""
import http.client
import json
import sys
from urllib.parse import urlsplit

base, key = sys.argv[1:3]
headers = {"authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "accept": "application/json"}
if key:
    headers["idempotency-key"] = key

try:
    connection = http.client.HTTPConnection(urlsplit(base).netloc, timeout=2)
    connection.request("GET", "/tts/3/reports?limit=2", headers=headers)
    response = connection.getresponse()
    data = response.read().decode()
    ok = response.status == 200
    print(json.dumps({"ok": ok, "body": data if ok else "", "error": "" if ok else f"status {response.status}"}))
except (OSError, http.client.HTTPException) as error:
    print(json.dumps({"ok": False, "body": "", "error": f"{type(error).__name__}: {error}"}))
