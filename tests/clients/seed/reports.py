import http.client
conn = http.client.HTTPConnection("api.infobip.com")
payload = ""
headers = {
'authorization': "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
'content-type': "application/json",
'accept': "application/json"
}
conn.request("GET", "/tts/3/reports", payload, headers)
res = conn.getresponse()
data = res.read()
print(data.decode("utf-8"))
