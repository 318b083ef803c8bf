<?php
// PHP's curl: repeats nothing on a fresh connection.
[, $base, $key] = $argv;
$headers = ["authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "accept: application/json"];
if ($key !== "") {
    $headers[] = "idempotency-key: $key";
}

$curl = curl_init();
curl_setopt_array($curl, [
    CURLOPT_URL => "$base/tts/3/reports?limit=2",
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_ENCODING => "",
    CURLOPT_TIMEOUT => 2,
    CURLOPT_HTTPHEADER => $headers,
]);
$body = curl_exec($curl);
$status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
if ($body === false) {
    echo json_encode(["ok" => false, "body" => "", "error" => curl_error($curl)]), "\n";
} elseif ($status !== 200) {
    echo json_encode(["ok" => false, "body" => "", "error" => "status $status"]), "\n";
} else {
    echo json_encode(["ok" => true, "body" => $body, "error" => ""]), "\n";
}
