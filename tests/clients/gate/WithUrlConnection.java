import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;

/** HttpURLConnection: repeats a GET once when the connection closes without a reply. */
public class WithUrlConnection {
    public static void main(String[] args) {
        String base = args[0], key = args[1];
        try {
            HttpURLConnection connection =
                    (HttpURLConnection) new URL(base + "/tts/3/reports?limit=2").openConnection();
            connection.setReadTimeout(2000);
            connection.setRequestProperty("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
            connection.setRequestProperty("accept", "application/json");
            if (!key.isEmpty()) connection.setRequestProperty("idempotency-key", key);
            int status = connection.getResponseCode();
            if (status != 200) throw new IOException("status " + status);
            byte[] body = connection.getInputStream().readAllBytes();
            Answer.success(new String(body, StandardCharsets.UTF_8));
        } catch (IOException error) {
            Answer.failure(error);
        }
    }
}
