# Ruby's Net::HTTP: repeats a GET once after a lost connection or a read timeout.
require 'json'
require 'net/http'
require 'uri'

base, key = ARGV
url = URI("#{base}/tts/3/reports?limit=2")
http = Net::HTTP.new(url.host, url.port)
http.read_timeout = 2
request = Net::HTTP::Get.new(url)
request['authorization'] = 'Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=='
request['accept'] = 'application/json'
request['idempotency-key'] = key unless key.empty?

begin
  response = http.request(request)
  ok = response.code == '200'
  puts JSON.generate(ok: ok, body: ok ? response.body : '', error: ok ? '' : "status #{response.code}")
rescue StandardError => e
  puts JSON.generate(ok: false, body: '', error: "#{e.class}: #{e.message}")
end
