/** Prints the one line of JSON that every client of the gate prints; the JDK has no JSON. */
final class Answer {
    static void success(String body) {
        print(true, body, "");
    }

    static void failure(Exception error) {
        print(false, "", error.toString());
    }

    private static void print(boolean ok, String body, String error) {
        System.out.println(
                "{\"ok\":" + ok + ",\"body\":" + quoted(body) + ",\"error\":" + quoted(error) + "}");
        System.out.flush();
        System.exit(0); // the client's own threads would keep the process for a while
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < ' ') out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        return out.append('"').toString();
    }
}
