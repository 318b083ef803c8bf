//! TLS and the password: by files, and not without them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use model::ManualClock;
use store::{Keeping, Ledger, Postgres, PostgresSettings, StoreError, conformance};
use testkit::postgres::PostgresServer;

async fn open(settings: &PostgresSettings) -> store::Result<Postgres> {
    let clock = Arc::new(ManualClock::at(conformance::START));
    Postgres::open(settings.clone(), Keeping::default(), clock).await
}

/// A CA, and a certificate of its for the name.
fn certificate(name: &str) -> (String, String, String) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_certificate = ca.self_signed(&ca_key).unwrap();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &issuer).unwrap();
    (ca_certificate.pem(), certificate.pem(), key.serialize_pem())
}

fn write(dir: &Path, name: &str, content: &str) -> std::path::PathBuf {
    let path = dir.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[tokio::test]
async fn a_node_connects_with_tls_and_the_password_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let server = PostgresServer::start();
    let url = server.database();
    let (ca, certificate_pem, key) = certificate("127.0.0.1");
    server.secure(&certificate_pem, &key, "opensesame");
    let settings = PostgresSettings {
        url: format!("{url}?sslmode=require"),
        ca_file: Some(write(dir.path(), "ca.pem", &ca)),
        password_file: Some(write(dir.path(), "password", "opensesame\n")),
        patience: Duration::from_secs(20),
        ..PostgresSettings::at(&url)
    };
    let ledger = open(&settings).await.expect("it has all that it takes");
    ledger.add_account(conformance::account("one")).await.unwrap();
    drop(ledger);
    let refused = async |settings: PostgresSettings, why: &str| {
        let patience = Duration::from_millis(500);
        let Err(error) = open(&PostgresSettings { patience, ..settings }).await else {
            panic!("it was let in, in spite of {why}")
        };
        assert!(error.to_string().contains(why), "{error} is not about {why}");
        error
    };
    let wrong = write(dir.path(), "wrong", "opensesamy");
    refused(
        PostgresSettings { password_file: Some(wrong), ..settings.clone() },
        "password authentication failed",
    )
    .await;
    let stranger = write(dir.path(), "stranger.pem", &certificate("127.0.0.1").0);
    refused(PostgresSettings { ca_file: Some(stranger), ..settings.clone() }, "certificate").await;
    let elsewhere = settings.url.replace("127.0.0.1", "localhost");
    refused(PostgresSettings { url: elsewhere, ..settings.clone() }, "localhost").await;
    refused(PostgresSettings { url, ..settings.clone() }, "no pg_hba.conf entry").await;
    let error = refused(PostgresSettings { ca_file: None, ..settings.clone() }, "CA").await;
    assert!(matches!(error, StoreError::Settings(_)));
    let schema = "Robert'); DROP TABLE".to_owned();
    let error = refused(PostgresSettings { schema, ..settings }, "schema").await;
    assert!(matches!(error, StoreError::Settings(_)));
}
