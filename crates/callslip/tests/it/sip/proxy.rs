//! A proxy: Kamailio, which stays in every dialog by Record-Route, and says whom it let through. It
//! speaks UDP and TCP, and TLS if it has a certificate; with a password, it is a registrar too, and
//! lets through only who knows that.

use std::fmt::Write as _;
use std::process::Command;

use super::certificate::Certificate;
use super::ports;
use super::telephone::Telephone;
use crate::binary::Running;
use crate::server::TestDir;

/// Ended when it is dropped.
pub(super) struct Proxy {
    running: Option<Running>,
    dir: TestDir,
    pub(super) port: u16,
    pub(super) tls_port: u16,
}

/// What it may have beside telephones.
#[derive(Default)]
pub(super) struct Has<'a> {
    pub(super) certificate: Option<&'a Certificate>,
    /// Of anybody who registers or calls.
    pub(super) password: Option<&'a str>,
}

/// The realm of its passwords.
pub(super) const REALM: &str = "proxy.example";

impl Proxy {
    /// A proxy before these telephones.
    pub(super) fn before(telephones: &[&Telephone], has: &Has<'_>) -> Self {
        let (dir, port) = (TestDir::new(), ports::block());
        let mut proxy = Self { running: None, dir, port, tls_port: port + 1 };
        let path = |name: &str| proxy.dir.path().join(name);
        if let Some(certificate) = has.certificate {
            std::fs::write(path("cert.pem"), &certificate.pem).unwrap();
            std::fs::write(path("key.pem"), &certificate.key).unwrap();
        }
        std::fs::write(path("kamailio.cfg"), proxy.config(telephones, has)).unwrap();
        proxy.start();
        proxy
    }

    pub(super) fn start(&mut self) {
        let dir = self.dir.path().to_str().unwrap();
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "32", "-f", &format!("{dir}/kamailio.cfg")]);
        command.args(["-P", &format!("{dir}/pid"), "-w", dir, "-Y", dir]);
        let running = Running::start(&mut command);
        running.wait_for("AT WORK");
        self.running = Some(running);
    }

    pub(super) fn stop(&mut self) {
        // Killed, it would leave its children behind.
        self.running.take().unwrap().stop();
    }

    /// Waits until it says something of that kind, and gives what follows.
    #[track_caller]
    pub(super) fn says(&self, what: &str) -> String {
        let said = self.running.as_ref().unwrap().wait_for(what);
        said.last().unwrap().split_once(what).unwrap().1.trim().to_owned()
    }

    fn config(&self, telephones: &[&Telephone], has: &Has<'_>) -> String {
        let (mut ways, mut guards) = (String::new(), String::new());
        for telephone in telephones {
            let (number, port) = (&telephone.number, telephone.port);
            writeln!(ways, "    if ($rU == \"{number}\") $du = \"sip:127.0.0.1:{port}\";").unwrap();
        }
        if let Some(password) = has.password {
            guards = GUARDS.replace("@REALM@", REALM).replace("@PASSWORD@", password);
        }
        let (mut tls, mut listen_tls) = (String::new(), String::new());
        if has.certificate.is_some() {
            tls = TLS.replace("@DIR@", self.dir.path().to_str().unwrap());
            listen_tls = format!("enable_tls=yes\nlisten=tls:127.0.0.1:{}\n", self.tls_port);
        }
        CONFIG
            .replace("@PORT@", &self.port.to_string())
            .replace("@LISTEN_TLS@", &listen_tls)
            .replace("@TLS@", &tls)
            .replace("@GUARDS@", &guards)
            .replace("@WAYS@", &ways)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            running.stop();
        }
    }
}

const CONFIG: &str = r#"#!KAMAILIO
debug=2
log_stderror=yes
children=1
tcp_children=1
listen=udp:127.0.0.1:@PORT@
listen=tcp:127.0.0.1:@PORT@
@LISTEN_TLS@
@TLS@
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("auth", "qop", "auth")
modparam("registrar", "max_expires", 10)
event_route[core:worker-one-init] {
    xlog("L_NOTICE", "AT WORK\n");
}
request_route {
    if (is_method("OPTIONS") && uri == myself) {
        sl_send_reply("200", "OK");
        exit;
    }
    if (has_totag()) {
        if (loose_route()) {
            xlog("L_NOTICE", "PASSED $rm over $pr\n");
            t_relay();
        } else if (is_method("ACK")) {
            if (t_check_trans()) t_relay();
        } else {
            sl_send_reply("404", "Not here");
        }
        exit;
    }
    if (is_method("CANCEL")) {
        if (t_check_trans()) t_relay();
        exit;
    }
@GUARDS@
    if (!is_method("INVITE")) {
        sl_send_reply("405", "Method Not Allowed");
        exit;
    }
    xlog("L_NOTICE", "CALL over $pr to $rU from $fu name $fn asserted $hdr(P-Asserted-Identity) privacy $hdr(Privacy) end\n");
    record_route();
@WAYS@
    t_relay();
}
"#;

const TLS: &str = r#"loadmodule "tls.so"
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "@DIR@/cert.pem")
modparam("tls", "private_key", "@DIR@/key.pem")
"#;

const GUARDS: &str = r#"
    if (is_method("REGISTER")) {
        if (!pv_www_authenticate("@REALM@", "@PASSWORD@", "0")) {
            www_challenge("@REALM@", "1");
            exit;
        }
        if (save("location")) {
            if (registered("location", "$tu")) {
                xlog("L_NOTICE", "IS REGISTERED: $au at $hdr(Contact)\n");
            } else {
                xlog("L_NOTICE", "IS GONE: $au\n");
            }
        }
        exit;
    }
    if (!pv_proxy_authenticate("@REALM@", "@PASSWORD@", "0")) {
        proxy_challenge("@REALM@", "1");
        exit;
    }
    xlog("L_NOTICE", "LET THROUGH $au\n");
    consume_credentials();
"#;
