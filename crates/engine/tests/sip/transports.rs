//! Connections: plain, and encrypted.

use std::sync::Arc;

use engine::sip::{Hop, Reason, TlsListener, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::far::{Far, free_port};
use crate::peer::{Peer, header};
use crate::scenario::Scenario;
use crate::support::{
    answer, drains, end, failure, hang_up, invite, settings, settles, stack, start,
};

#[tokio::test]
async fn a_call_goes_over_tcp_and_is_noted() {
    let mut settings = settings();
    settings.tcp = Some(([127, 0, 0, 1], free_port()).into());
    let stack = start(settings).await;
    let scenario = Scenario::answered().ask("BYE", 1, "", "").expect_response(200);
    let far = Far::plays_over_tcp(scenario).await;
    let invite = invite(far.hop());
    let (recorder, address) = (invite.recorder.clone(), far.address);
    let mut leg = stack.invite(invite);
    answer(&mut leg).await;
    end(&mut leg).await;
    far.ends_well().await;
    let ladder = recorder.ladder();
    assert_eq!(ladder.entries.len(), 6, "{ladder:#?}");
    assert!(ladder.entries.iter().all(|entry| entry.transport == Transport::Tcp));
    let ends = |entry: &model::ladder::Entry| (entry.local, entry.remote);
    assert!(
        ladder.entries.iter().all(|entry| ends(entry) == ends(&ladder.entries[0])),
        "{ladder:#?}"
    );
    assert_eq!(ladder.entries[0].remote, address);
    settles(&stack).await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    let stack = stack().await;
    for _ in 0..2 {
        let far = Far::plays_over_tcp(Scenario::answered().released()).await;
        let mut leg = stack.invite(invite(far.hop()));
        answer(&mut leg).await;
        hang_up(&mut leg).await;
        far.ends_well().await;
    }
    settles(&stack).await;
}

pub(crate) struct Certificate {
    pub(crate) pem: String,
    pub(crate) key: String,
}

pub(crate) fn certificate() -> Certificate {
    let made =
        rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]);
    let made = made.expect("a certificate");
    Certificate { pem: made.cert.pem(), key: made.signing_key.serialize_pem() }
}

fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    let chain = rustls_chain(&certificate.pem);
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a configuration");
    TlsAcceptor::from(Arc::new(config))
}

fn rustls_chain(pem: &str) -> Vec<tokio_rustls::rustls::pki_types::CertificateDer<'static>> {
    let chain = tokio_rustls::rustls::pki_types::CertificateDer::pem_slice_iter(pem.as_bytes());
    chain.collect::<Result<_, _>>().expect("a chain")
}

async fn read_message(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut text = Vec::new();
    loop {
        let mut buffer = [0; 9000];
        let length = stream.read(&mut buffer).await.expect("bytes");
        assert!(length > 0, "the end");
        text.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&text);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length: usize = header(head, "Content-Length").parse().expect("a length");
            if body.len() >= length {
                return text.into_owned();
            }
        }
    }
}

#[tokio::test]
async fn a_call_goes_over_tls_to_whom_we_trust() {
    let certificate = certificate();
    let mut settings = settings();
    settings.tls_roots = Some(certificate.pem.clone().into_bytes());
    let stack = start(settings).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let address = listener.local_addr().expect("an address");
    let hop = Hop { transport: Transport::Tls, ..Hop::udp(address) };
    let acceptor_of_far = acceptor(&certificate);
    let far = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut stream = acceptor_of_far.accept(stream).await.expect("a handshake");
        let invited = read_message(&mut stream).await;
        assert!(header(&invited, "Via").starts_with("SIP/2.0/TLS "), "{invited}");
        assert!(header(&invited, "Contact").contains(";transport=tls"), "{invited}");
        let contact = format!("Contact: <sip:far@{address};transport=tls>\r\n");
        let response = Peer::response(&invited, "200 OK", "one", &contact);
        stream.write_all(response.as_bytes()).await.expect("sent");
        assert!(read_message(&mut stream).await.starts_with("ACK"));
        let bye = read_message(&mut stream).await;
        assert!(bye.starts_with("BYE"), "{bye}");
        stream.write_all(Peer::response(&bye, "200 OK", "", "").as_bytes()).await.expect("sent");
        stream
    });
    let mut leg = stack.invite(invite(hop));
    answer(&mut leg).await;
    leg.hang_up(Reason::q850(16));
    end(&mut leg).await;
    let stream = far.await.expect("a far end");
    drop(stream);

    // Somebody else at that place is not talked to.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let hop =
        Hop { transport: Transport::Tls, ..Hop::udp(listener.local_addr().expect("an address")) };
    let acceptor_of_impostor = acceptor(&self::certificate());
    let impostor = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        acceptor_of_impostor.accept(stream).await.is_err()
    });
    let mut leg = stack.invite(invite(hop));
    assert!(failure(&mut leg).await.unreachable);
    assert!(impostor.await.expect("an impostor"));
    drains(&stack).await;
}

#[tokio::test]
async fn a_trunk_may_connect_over_tls() {
    let certificate = certificate();
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut settings = settings();
    settings.tls = Some(TlsListener {
        address,
        certificate: certificate.pem.clone().into_bytes(),
        key: certificate.key.clone().into_bytes(),
    });
    let stack = start(settings).await;
    let mut roots = RootCertStore::empty();
    for root in rustls_chain(&certificate.pem) {
        roots.add(root).expect("a root");
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let name = "127.0.0.1".to_owned().try_into().expect("a name");
    let mut stream =
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake");
    let request = Peer::new().await.request("OPTIONS", "").replace("SIP/2.0/UDP", "SIP/2.0/TLS");
    stream.write_all(request.as_bytes()).await.expect("sent");
    assert!(read_message(&mut stream).await.starts_with("SIP/2.0 200"));
    drop(stream);
    settles(&stack).await;
}
