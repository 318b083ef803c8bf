"""What an application does with the vendor's own client library, as it comes from PyPI: submits
calls, follows them in the logs, takes their reports, and manages a scheduled bulk.

click_to_call.py BASE_URL API_KEY

Prints one JSON object of everything the library gave back, by its own models.
"""

import json
import sys
import time
from datetime import datetime, timedelta, timezone

from infobip_api_client import ApiClient, Configuration
from infobip_api_client.api.click_to_call_api import ClickToCallApi
from infobip_api_client.api.voice_api import VoiceApi
from infobip_api_client.exceptions import ApiException
from infobip_api_client.models.calls_advanced_body import CallsAdvancedBody
from infobip_api_client.models.calls_click_to_call_message_body import CallsClickToCallMessageBody
from infobip_api_client.models.calls_update_status_request import CallsUpdateStatusRequest

base, key = sys.argv[1:]
client = ApiClient(Configuration(host=base, api_key={"APIKeyHeader": key}))
calls, voice = ClickToCallApi(client), VoiceApi(client)


def plain(model):
    return json.loads(model.to_json())


def message(number, **more):
    return {
        "from": "41793026727",
        "destinationA": number,
        "destinationB": "385981000001",
        "text": "You are being connected.",
        "language": "en",
        **more,
    }


def ended(sent):
    """The logs of the messages, once each of them says how its call ended."""
    ids = [one.message_id for one in sent.messages]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        logs = voice.get_sent_voice_logs(message_id=ids).results
        if len(logs) == len(ids) and all(log.error.id != 0 for log in logs):
            return {"results": [plain(log) for log in logs]}
        time.sleep(0.2)
    raise SystemExit(f"no end of {ids} in the logs")


def refused(call):
    try:
        call()
    except ApiException as error:
        return {"status": error.status, "body": json.loads(error.body)}
    raise SystemExit("was not refused")


sent = calls.send_click_to_call_message(
    CallsClickToCallMessageBody.from_dict(
        {
            "messages": [
                message("+385 98 100 0001", retry={"minPeriod": 1, "maxPeriod": 5, "maxCount": 5}),
                message("385981000486"),
                message("385981000213", deliveryTimeWindow={"days": [
                    "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"]}),
            ]
        }
    )
)
logs = ended(sent)
one = voice.get_voice_delivery_reports(message_id=sent.messages[1].message_id)
rest = voice.get_voice_delivery_reports(bulk_id=sent.bulk_id, limit=10)
again = voice.get_voice_delivery_reports()

later = datetime.now(timezone.utc) + timedelta(hours=1)
bulk = voice.send_advanced_voice_tts(
    CallsAdvancedBody.from_dict(
        {
            "messages": [
                {
                    "from": "41793026727",
                    "destinations": [{"to": "385981000001"}],
                    "text": "Later.",
                    "language": "en",
                    "sendAt": later.strftime("%Y-%m-%dT%H:%M:%S.000+00:00"),
                }
            ]
        }
    )
).bulk_id
scheduled = plain(voice.get_sent_bulks(bulk_id=bulk))
statuses = [plain(voice.get_sent_bulks_status(bulk_id=bulk))["status"]]
for status in ["PAUSED", "PENDING", "CANCELED"]:
    asked = CallsUpdateStatusRequest.from_dict({"status": status})
    changed = voice.manage_sent_bulks_status(bulk_id=bulk, calls_update_status_request=asked)
    statuses.append(plain(changed)["status"])

stranger = ClickToCallApi(ApiClient(Configuration(host=base, api_key={"APIKeyHeader": "wrong"})))
body = CallsClickToCallMessageBody.from_dict({"messages": [message("385981000001")]})
print(
    json.dumps(
        {
            "sent": plain(sent),
            "logs": logs,
            "one": plain(one),
            "rest": plain(rest),
            "again": plain(again),
            "scheduled": scheduled,
            "statuses": statuses,
            "unauthorized": refused(lambda: stranger.send_click_to_call_message(body)),
        }
    )
)
