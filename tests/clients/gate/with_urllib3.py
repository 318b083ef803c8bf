"""urllib3: repeats a request three times after a lost connection, a timeout or a short body."""
import json
import sys

import urllib3

base, key = sys.argv[1:3]
headers = {"authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "accept": "application/json"}
if key:
    headers["idempotency-key"] = key

try:
    response = urllib3.PoolManager().request(
        "GET", base + "/tts/3/reports?limit=2", headers=headers, timeout=2.0
    )
    ok = response.status == 200
    body = response.data.decode() if ok else ""
    print(json.dumps({"ok": ok, "body": body, "error": "" if ok else f"status {response.status}"}))
except urllib3.exceptions.HTTPError as error:
    print(json.dumps({"ok": False, "body": "", "error": f"{type(error).__name__}: {error}"}))
