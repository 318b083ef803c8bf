//! A real proxy and registrar between: Kamailio, over TLS.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::sip::{Credentials, Hop, Party, Register, Transport};
use tempfile::TempDir;

use crate::far::{Far, free_port};
use crate::scenario::Scenario;
use crate::support::{answer, hang_up, invite, settings, settles, start};
use crate::transports::certificate;

/// Kamailio, ended when it is dropped.
struct Kamailio {
    child: Child,
    dir: TempDir,
    tls: SocketAddr,
    authority: String,
}

impl Kamailio {
    /// A proxy to that far end, and a registrar for `bob` with the password `secret`.
    async fn before(far: SocketAddr) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let certificate = certificate();
        let path = |name: &str| dir.path().join(name).display().to_string();
        std::fs::write(path("cert.pem"), &certificate.pem).expect("a file");
        std::fs::write(path("key.pem"), &certificate.key).expect("a file");
        let (udp, tls) = (free_port(), free_port());
        let config = CONFIG
            .replace("@UDP@", &udp.to_string())
            .replace("@TLS@", &tls.to_string())
            .replace("@FAR@", &far.to_string())
            .replace("@DIR@", &dir.path().display().to_string());
        std::fs::write(path("kamailio.cfg"), config).expect("a file");
        let log = std::fs::File::create(path("log")).expect("a file");
        let child = Command::new("kamailio")
            .args(["-DD", "-E", "-m", "32", "-f", &path("kamailio.cfg")])
            .args(["-P", &path("pid"), "-w", &path(""), "-Y", &path("")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("kamailio (packages kamailio, kamailio-tls-modules)");
        let tls = SocketAddr::from(([127, 0, 0, 1], tls));
        let mut kamailio = Self { child, dir, tls, authority: certificate.pem };
        let started = Instant::now();
        while std::net::TcpStream::connect(tls).is_err() {
            let is_alive = kamailio.child.try_wait().expect("a child").is_none();
            assert!(is_alive && started.elapsed() < Duration::from_secs(10), "{}", kamailio.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        kamailio
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn hop(&self) -> Hop {
        Hop { transport: Transport::Tls, ..Hop::udp(self.tls) }
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // Killed, it would leave its children behind.
        if let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed()) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

const CONFIG: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
listen=udp:127.0.0.1:@UDP@
listen=tls:127.0.0.1:@TLS@
loadmodule "tls.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "@DIR@/cert.pem")
modparam("tls", "private_key", "@DIR@/key.pem")
modparam("auth", "qop", "auth")
modparam("registrar", "max_expires", 120)
request_route {
    if (method == "REGISTER") {
        if (!pv_www_authenticate("example.org", "secret", "0")) {
            www_challenge("example.org", "1");
            exit;
        }
        save("location");
        exit;
    }
    if (loose_route()) {
        t_relay();
        exit;
    }
    if (method == "INVITE") {
        record_route();
        $du = "sip:@FAR@";
        t_relay();
    }
}
"#;

#[tokio::test]
async fn calls_and_registrations_go_through_a_real_proxy_over_tls() {
    let far = Far::plays(Scenario::answered_with("[last_Record-Route:]\n").released()).await;
    let kamailio = Kamailio::before(far.address).await;
    let mut settings = settings();
    settings.tls_roots = Some(kamailio.authority.clone().into_bytes());
    let stack = start(settings).await;

    let mut leg = stack.invite(invite(kamailio.hop()));
    answer(&mut leg).await;
    hang_up(&mut leg).await;
    far.ends_well().await;

    let register = |password: &str| Register {
        hop: kamailio.hop(),
        registrar: "sip:example.org".to_owned(),
        party: Party { display: None, uri: "sip:bob@example.org".to_owned() },
        credentials: Some(Credentials { username: "bob".into(), password: password.into() }),
    };
    let mut binding = stack.binding(register("secret"));
    let granted = binding.refresh(Duration::from_secs(3600)).await;
    assert_eq!(granted, Ok(Duration::from_secs(120)), "{}", kamailio.log());
    assert_eq!(binding.refresh(Duration::from_secs(60)).await, Ok(Duration::from_secs(60)));
    assert_eq!(binding.remove().await, Ok(()));
    let refused = stack.binding(register("wrong")).refresh(Duration::from_secs(60)).await;
    assert_eq!(refused.expect_err("a refusal").code, Some(401));
    settles(&stack).await;
}
