//! A network that says something before the person called has answered: sipp, which speaks for two
//! seconds with 183, answers, speaks for another, and hangs up.

use std::process::{Command, Stdio};

use voip::g711::Codec;

use super::ports;
use super::sound::tone_of;
use crate::binary::Running;
use crate::server::TestDir;

/// Ended when it is dropped.
pub(super) struct Network {
    _running: Running,
    _dir: TestDir,
    pub(super) port: u16,
}

impl Network {
    pub(super) fn saying(hertz: f64) -> Self {
        let (dir, port) = (TestDir::new(), ports::block());
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let samples: Vec<i16> = tone_of(hertz).collect();
        let mut codes = vec![0; samples.len()];
        Codec::Pcma.encode(&samples, &mut codes);
        std::fs::write(path("tone.pcma"), codes).unwrap();
        std::fs::write(path("says.xml"), SCENARIO.replace("@FILE@", &path("tone.pcma"))).unwrap();
        let mut command = Command::new("sipp");
        command
            .args(["-sf", &path("says.xml"), "-i", "127.0.0.1", "-p", &port.to_string()])
            .args(["-mi", "127.0.0.1", "-mp", &(port + 2).to_string()])
            .args(["-m", "1", "-nostdin", "-timeout", "60s"])
            .current_dir(dir.path())
            .stdin(Stdio::null());
        Self { _running: Running::start(&mut command), _dir: dir, port }
    }
}

const SCENARIO: &str = r#"<?xml version="1.0" encoding="ISO-8859-1"?>
<scenario name="says something before it answers">
  <recv request="INVITE" rrs="true"/>
  <send><![CDATA[
    SIP/2.0 183 Session Progress
    [last_Via:]
    [last_From:]
    [last_To:];tag=[pid]b[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [rtpstream_audio_port] RTP/AVP 8
    a=rtpmap:8 PCMA/8000
  ]]></send>
  <nop><action><exec rtp_stream="@FILE@,-1,8"/></action></nop>
  <pause milliseconds="2000"/>
  <send retrans="500"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[pid]b[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=- 1 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [media_ip]
    t=0 0
    m=audio [rtpstream_audio_port] RTP/AVP 8
    a=rtpmap:8 PCMA/8000
  ]]></send>
  <recv request="ACK"/>
  <pause milliseconds="1000"/>
  <send retrans="500"><![CDATA[
    BYE [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:b@[local_ip]:[local_port]>;tag=[pid]b[call_number]
    To[last_From:]
    [last_Call-ID:]
    CSeq: 1 BYE
    Max-Forwards: 70
    Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"#;
