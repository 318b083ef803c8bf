//! Where settings come from: flags over variables over the file over the defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use super::{Settings, place};

/// Every variable of this form is a setting.
const PREFIX: &str = "CALLSLIP_";

/// Settings that cannot be used, and where they came from.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSettings(pub String);

/// The flags that say which settings hold.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// File with the settings that differ from the defaults (TOML).
    #[arg(long, value_name = "FILE", env = "CALLSLIP_CONFIG")]
    pub config: Option<PathBuf>,
    /// Directory of the ledger [default: callslip-data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

impl Flags {
    /// The settings that these flags, the variables and the file come to.
    ///
    /// # Errors
    /// The file cannot be read, a key or variable is unknown, or a value is out of its bounds.
    pub fn settings(&self) -> Result<Settings, BadSettings> {
        self.settings_with(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))
    }

    fn settings_with(
        &self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Settings, BadSettings> {
        let mut layers = match &self.config {
            Some(file) => Layers::from_file(file)?,
            None => Layers::default(),
        };
        for (name, value) in variables {
            layers.add_variable(&name, &value)?;
        }
        let mut settings = layers.settings.clone();
        if let Some(dir) = &self.data {
            settings.data.dir.clone_from(dir);
        }
        settings.check_together().map_err(|text| match &self.config {
            Some(file) => BadSettings(format!("{}: {}", file.display(), layers.placed(text))),
            None => BadSettings(text),
        })?;
        Ok(settings)
    }
}

/// What was given so far, as a table, and what it comes to.
#[derive(Default)]
struct Layers {
    /// What the file says.
    file: String,
    /// The keys that variables say, whatever the file does.
    varied: Vec<String>,
    given: toml::Table,
    settings: Settings,
}

impl Layers {
    fn from_file(file: &Path) -> Result<Self, BadSettings> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| BadSettings(format!("cannot read {}: {error}", file.display())))?;
        // The parser's own text shows line and caret.
        let wrong = |error: toml::de::Error| {
            BadSettings(format!("{}: {}", file.display(), error.to_string().trim_end()))
        };
        Ok(Self {
            settings: toml::from_str(&text).map_err(wrong)?,
            given: toml::from_str(&text).map_err(wrong)?,
            file: text,
            varied: Vec::new(),
        })
    }

    fn add_variable(&mut self, name: &str, value: &str) -> Result<(), BadSettings> {
        let Some((section, key)) = name.strip_prefix(PREFIX).and_then(|key| key.split_once("__"))
        else {
            return Ok(());
        };
        let (section, key) = (section.to_ascii_lowercase(), key.to_ascii_lowercase());
        if !known_keys().get(&section).is_some_and(|keys| keys.contains(&key)) {
            return Err(BadSettings(format!(
                "{name}: there is no key `{key}` in a section `{section}`; \
                 `callslip check --defaults` lists every key"
            )));
        }
        // What has the form of a number or a list may still be meant as text.
        let parsed = toml::from_str::<toml::Table>(&format!("value = {value}")).ok();
        let as_text = toml::Value::String(value.to_owned());
        let candidates = [parsed.and_then(|mut table| table.remove("value")), Some(as_text)];
        let mut refusals = Vec::new();
        for candidate in candidates.into_iter().flatten() {
            let mut given = self.given.clone();
            let table = given
                .entry(section.clone())
                .or_insert_with(|| toml::Table::new().into())
                .as_table_mut();
            table.map(|table| table.insert(key.clone(), candidate));
            match Settings::deserialize(given.clone()) {
                Ok(settings) => {
                    (self.given, self.settings) = (given, settings);
                    self.varied.push(format!("{section}.{key}"));
                    return Ok(());
                }
                Err(error) => refusals.push(error.message().to_owned()),
            }
        }
        // Of a kind of value that the key does not take, the bounds have nothing to say.
        let tells = |text: &&String| !text.starts_with("invalid type");
        let why = refusals.iter().find(tells).or(refusals.first()).map_or("", String::as_str);
        Err(BadSettings(format!("{name}: {why}")))
    }

    /// The text, with the place in the file of the key that it begins with, if that is where it was
    /// said.
    fn placed(&self, text: String) -> String {
        let is_varied = self.varied.iter().any(|key| text.starts_with(key.as_str()));
        let shown = if is_varied { None } else { place::shown(&self.file, &text) };
        shown.unwrap_or(text)
    }
}

/// Every section and its keys, those without a value too.
pub(super) fn known_keys() -> BTreeMap<String, Vec<String>> {
    let all = serde_json::to_value(Settings::default()).unwrap_or_default();
    let sections = all.as_object().into_iter().flatten();
    sections
        .map(|(section, keys)| {
            let keys = keys.as_object().into_iter().flatten().map(|(key, _)| key.clone());
            (section.clone(), keys.collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Calls, Carrier, DEFAULT_FILE};
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<Settings, BadSettings> {
        let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Flags::default().settings_with(owned)
    }

    #[test]
    fn the_default_file_says_what_the_code_does() {
        let parsed: Settings = toml::from_str(DEFAULT_FILE).unwrap();
        assert_eq!(parsed, Settings::default());
        assert_eq!(format!("{:?}", parsed.edge()), format!("{:?}", api::Settings::default()));
        let keeping = store::Keeping::default();
        assert_eq!(format!("{:?}", parsed.keeping()), format!("{keeping:?}"));
        let calls = Calls { carrier: Carrier::Sandbox, ..parsed.calls.clone() };
        let exchange = engine::exchange::ExchangeSettings::default();
        assert_eq!(format!("{:?}", calls.exchange()), format!("{exchange:?}"));
        let prompts = engine::prompt::PromptSettings::default();
        assert_eq!(format!("{:?}", parsed.prompts.engine()), format!("{prompts:?}"));
    }

    #[test]
    fn the_default_file_has_every_key() {
        for (section, keys) in known_keys() {
            if section == "trunk" {
                continue;
            }
            let (_, rest) = DEFAULT_FILE.split_once(&format!("\n[{section}]\n")).unwrap();
            let body = rest.split("\n[").next().unwrap();
            for key in keys {
                let plain = format!("{key} = ");
                let absent = format!("# {key} = ");
                assert!(
                    body.lines().any(|line| line.starts_with(&plain) || line.starts_with(&absent)),
                    "[{section}] does not show `{key}`"
                );
            }
        }
    }

    #[test]
    fn the_default_file_shows_every_key_of_a_trunk_with_its_default() {
        let (_, block) = DEFAULT_FILE.split_once("# [[trunk]]\n").unwrap();
        let shown = block.lines().filter_map(|line| line.strip_prefix("# "));
        let is_key = |line: &&str| {
            let key = line.split_once(" = ").map_or("", |(key, _)| key);
            !key.is_empty()
                && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit())
        };
        let all: Vec<&str> = shown.filter(is_key).collect();
        let parse = |lines: &[&str]| -> Settings {
            toml::from_str(&format!("[[trunk]]\n{}", lines.join("\n"))).unwrap()
        };
        // These have no default.
        let no_default =
            ["user", "password_file", "password_env", "register_s", "identity", "from_domain"];
        let is_default =
            |line: &&str| !no_default.iter().any(|key| line.starts_with(&format!("{key} =")));
        let defaults: Vec<&str> = all.iter().copied().filter(is_default).collect();
        assert_eq!(parse(&defaults), parse(&defaults[..2]), "a default that is none");
        let shown = serde_json::to_value(&parse(&all).trunk[0]).unwrap();
        for (key, value) in shown.as_object().unwrap() {
            assert!(
                all.iter().any(|line| line.starts_with(&format!("{key} = "))),
                "{key} is not shown"
            );
            assert!(!value.is_null(), "{key}");
        }
    }

    #[test]
    fn a_variable_sets_any_kind_of_value() {
        let got = settings(&[
            ("CALLSLIP_HTTP__LISTEN", "127.0.0.1:0"),
            ("CALLSLIP_HTTP__CORS_ORIGINS", r#"["https://a.example"]"#),
            ("CALLSLIP_HTTP__TLS_CERT", "17"),
            ("CALLSLIP_HTTP__TLS_KEY", "true"),
            ("CALLSLIP_REPORTS__LIMIT_MAX", "77"),
            ("CALLSLIP_REPORTS__PENDING_MAX_AGE_HOURS", "5"),
            ("CALLSLIP_REPORTS__RESET_MEANS", "read"),
            ("CALLSLIP_DATA__DIR", "/var/lib/callslip"),
            ("CALLSLIP_KEY", "not a setting"),
            ("CALLSLIP_SERVICE_HOST", "10.0.0.1"),
        ])
        .unwrap();
        assert_eq!(got.http.listen, "127.0.0.1:0");
        assert_eq!(got.http.cors_origins, ["https://a.example"]);
        assert_eq!(got.http.tls_cert, Some("17".into()));
        assert_eq!(got.http.tls_key, Some("true".into()));
        assert_eq!(got.reports.limit_max, 77);
        assert_eq!(got.reports.pending_max_age_hours, Some(5));
        assert_eq!(got.reports.reset_means, super::super::ResetMeans::Read);
        assert_eq!(got.data.dir, PathBuf::from("/var/lib/callslip"));
    }

    #[track_caller]
    fn check_refused(name: &str, value: &str, expect: &str) {
        let text = settings(&[(name, value)]).unwrap_err().to_string();
        assert!(text.contains(name) && text.contains(expect), "{text}");
    }

    #[test]
    fn a_wrong_variable_is_named() {
        check_refused("CALLSLIP_HTTP__LISTN", "x", "no key `listn`");
        check_refused("CALLSLIP_HTP__LISTEN", "x", "section `htp`");
        check_refused("CALLSLIP_REPORTS__LIMIT_MAX", "0", "must be 1 to 20000, not 0");
        check_refused("CALLSLIP_REPORTS__LIMIT_MAX", "many", "invalid type");
        check_refused("CALLSLIP_REPORTS__RESET_MEANS", "lost", "unread");
        check_refused("CALLSLIP_HTTP__LISTEN", "8080", "address and port");
        check_refused("CALLSLIP_LOG__LEVEL", "info,=,", "log level");
    }

    #[test]
    fn keys_that_do_not_fit_together_are_refused() {
        let text = settings(&[("CALLSLIP_HTTP__TLS_KEY", "k.pem")]).unwrap_err().to_string();
        assert!(text.contains("http.tls_cert is not"));
    }
}
