import com.mashape.unirest.http.HttpResponse;
import com.mashape.unirest.http.Unirest;

class Reports {
    public static void main(String[] args) throws Exception {
        HttpResponse<String> response = Unirest.get("http://api.infobip.com/tts/3/reports")
                .header("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
                .header("content-type", "application/json")
                .header("accept", "application/json")
                .asString();
        System.out.println(response.getBody());
        Unirest.shutdown();
    }
}
