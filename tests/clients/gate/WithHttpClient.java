import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/** java.net.http.HttpClient: repeats a GET when the connection closes without a reply. */
public class WithHttpClient {
    public static void main(String[] args) throws InterruptedException {
        String base = args[0], key = args[1];
        try {
            HttpRequest.Builder request =
                    HttpRequest.newBuilder(URI.create(base + "/tts/3/reports?limit=2"))
                            .timeout(Duration.ofSeconds(2))
                            .header("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
                            .header("accept", "application/json");
            if (!key.isEmpty()) request.header("idempotency-key", key);
            HttpResponse<String> response =
                    HttpClient.newHttpClient()
                            .send(request.build(), HttpResponse.BodyHandlers.ofString());
            if (response.statusCode() != 200) throw new IOException("status " + response.statusCode());
            Answer.success(response.body());
        } catch (IOException error) {
            Answer.failure(error);
        }
    }
}
