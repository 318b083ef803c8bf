"""browser.py SAMPLE.js: runs the sample in Chromium on a page of another origin, prints what it prints."""
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PAGE = """<!doctype html>
<script>console.log = (text) => fetch("/printed", { method: "POST", body: text });</script>
<script src="/sample.js"></script>
"""
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update --disable-dev-shm-usage""".split()


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        pages = {"/": ("text/html", PAGE), "/sample.js": ("text/javascript", self.server.sample)}
        kind, content = pages.get(self.path, ("text/plain", None))
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Type", kind)
        self.end_headers()
        self.wfile.write((content or "").encode())

    def do_POST(self):
        self.server.printed = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


with tempfile.TemporaryDirectory() as profile, HTTPServer(("127.0.0.1", 8080), Page) as server:
    server.sample = Path(sys.argv[1]).read_text()
    server.printed = None
    server.timeout = 1
    command = ["chromium", *FLAGS, f"--user-data-dir={profile}", "http://localhost:8080/"]
    with open(Path(profile) / "stderr", "w+") as complaints:
        browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=complaints)
        for _ in range(60):
            if server.printed is None and browser.poll() is None:
                server.handle_request()
        browser.terminate()
        browser.wait()
        if server.printed is None:
            complaints.seek(0)
            sys.exit(f"the page printed nothing\n{complaints.read()}")
    print(server.printed)
