// Node's fetch: repeats nothing on a fresh connection.
const [base, key] = process.argv.slice(2);
const headers = { authorization: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", accept: "application/json" };
if (key) headers["idempotency-key"] = key;

try {
  const response = await fetch(`${base}/tts/3/reports?limit=2`, { headers, signal: AbortSignal.timeout(2000) });
  const body = await response.text();
  console.log(JSON.stringify({ ok: response.ok, body: response.ok ? body : "", error: response.ok ? "" : `status ${response.status}` }));
} catch (error) {
  console.log(JSON.stringify({ ok: false, body: "", error: `${error}: ${error.cause ?? ""}` }));
}
