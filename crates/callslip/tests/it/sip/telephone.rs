//! A telephone: baresip, with a directory of its own. It says something all the time, records what it
//! hears, and its keys are pressed by tests.

use std::io::Write as _;
use std::process::{Command, Stdio};

use super::ports;
use super::sound::{Says, Sound};
use crate::binary::Running;
use crate::server::TestDir;

/// What it does when it is called.
#[derive(Clone, Copy)]
pub(super) enum Answers {
    /// Answers at once.
    AtOnce,
    /// Rings until it is answered.
    ByHand,
}

/// Hung up, and ended, when it is dropped.
pub(super) struct Telephone {
    running: Running,
    dir: TestDir,
    pub(super) number: String,
    pub(super) port: u16,
}

impl Telephone {
    pub(super) fn new(number: &str, says: Says, answers: Answers) -> Self {
        let (dir, port) = (TestDir::new(), ports::block());
        let path = |name: &str| dir.path().join(name);
        let mode = match answers {
            Answers::AtOnce => "auto",
            Answers::ByHand => "manual",
        };
        let account = format!("<sip:{number}@127.0.0.1:{port}>;regint=0;answermode={mode}\n");
        says.write(&path("says.wav"));
        std::fs::write(path("accounts"), account.replace('\n', ";auth_pass=none\n")).unwrap();
        std::fs::write(path("contacts"), "").unwrap();
        // It takes `port` for datagrams and connections, and the next for TLS, whether it is asked to
        // or not.
        let config = CONFIG
            .replace("@PORT@", &port.to_string())
            .replace("@MEDIA@", &format!("{}-{}", port + 2, port + 9))
            .replace("@DIR@", dir.path().to_str().unwrap());
        std::fs::write(path("config"), config).unwrap();
        let mut command = Command::new("baresip");
        let running = Running::start(command.arg("-f").arg(dir.path()).stdin(Stdio::piped()));
        running.wait_for("baresip is ready");
        Self { running, dir, number: number.to_owned(), port }
    }

    /// Waits until it is called, and says by whom.
    #[track_caller]
    pub(super) fn rings(&self) -> String {
        let said = self.running.wait_for("Incoming call from: ");
        said.last().unwrap().split_once("Incoming call from: ").unwrap().1.to_owned()
    }

    /// Waits until it is in a call.
    #[track_caller]
    pub(super) fn talks(&self) {
        self.running.wait_for("Call established");
    }

    /// Waits until the call is over, and says what was heard in it.
    #[track_caller]
    pub(super) fn heard(&self) -> Sound {
        self.running.wait_for("terminated (duration");
        let files = std::fs::read_dir(self.dir.path()).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let mut heard = paths.filter(|path| path.to_str().unwrap().ends_with("-dec.wav"));
        let sound = Sound::read(&heard.next().expect("a recording"));
        assert_eq!(heard.next(), None, "one call, one recording");
        sound
    }

    /// Waits until a key arrives.
    #[track_caller]
    pub(super) fn is_sent_key(&self, key: char) {
        self.running.wait_for(&format!("received event: '{key}'"));
    }

    /// Presses a key of the keypad.
    pub(super) fn press(&mut self, key: char) {
        assert!("0123456789*#".contains(key));
        self.command(key);
    }

    pub(super) fn answer(&mut self) {
        self.command('a');
    }

    pub(super) fn hang_up(&mut self) {
        self.command('b');
    }

    /// Puts the far end on hold.
    pub(super) fn hold(&mut self) {
        self.command('x');
    }

    /// Takes it back.
    pub(super) fn resume(&mut self) {
        self.command('X');
    }

    fn command(&mut self, key: char) {
        let input = self.running.child.stdin.as_mut().unwrap();
        write!(input, "{key}").and_then(|()| input.flush()).unwrap();
    }
}

const CONFIG: &str = "\
poll_method epoll
sip_listen 127.0.0.1:@PORT@
rtp_ports @MEDIA@
net_interface 127.0.0.1
audio_player aubridge,nil
audio_source aufile,@DIR@/says.wav
audio_alert aubridge,nil
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module stdio.so
module_app account.so
module_app menu.so
snd_path @DIR@
statmode_default off
";
