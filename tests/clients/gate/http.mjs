// Node's http: repeats nothing on a fresh connection.
import http from "node:http";

const [base, key] = process.argv.slice(2);
const headers = { authorization: "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", accept: "application/json" };
if (key) headers["idempotency-key"] = key;

let told = false;
function tell(ok, body, error) {
  if (!told) console.log(JSON.stringify({ ok, body, error }));
  told = true;
}

const request = http.get(`${base}/tts/3/reports?limit=2`, { headers, timeout: 2000 }, (response) => {
  let body = "";
  response.setEncoding("utf8");
  response.on("data", (part) => (body += part));
  response.on("error", (error) => tell(false, "", String(error)));
  response.on("end", () =>
    response.statusCode === 200 ? tell(true, body, "") : tell(false, "", `status ${response.statusCode}`),
  );
});
request.on("timeout", () => request.destroy(new Error("timeout")));
request.on("error", (error) => tell(false, "", String(error)));
