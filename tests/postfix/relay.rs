//! A Postfix of the test's own: loopback alone, its own configuration, queue and mailbox, nothing of it in `/etc` or
//! `/var`. It takes mail from those who have authenticated over TLS, puts all of it into one maildir, and holds no
//! client that could bring anything outside.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::programs::{finished, program_of_root};

/// How long the relay may take to start, or to deliver what it has accepted. Both take milliseconds.
const LIMIT: Duration = Duration::from_secs(30);

/// When it ends by itself, in seconds: nothing stays behind a test that is killed.
const LIFE: &str = "900";

/// `nobody` and `nogroup`, the owner of the mailbox: Postfix writes for no system account of its own.
const NOBODY: u32 = 65_534;

/// The domain that has mailboxes: every address in it, all of them one maildir.
pub(crate) const DOMAIN: &str = "corp.example";

const HOST: &str = "relay.corp.example";

/// A running relay; it ends with the value.
pub(crate) struct Postfix {
    /// Where it listens on 127.0.0.1, with STARTTLS. Its certificate is for `localhost` and 127.0.0.1.
    pub(crate) port: u16,
    /// The authority of its certificate.
    pub(crate) ca_pem: PathBuf,
    /// Who may send.
    pub(crate) login: &'static str,
    /// That login's password.
    pub(crate) password: &'static str,
    /// Where everything accepted arrives.
    pub(crate) maildir: PathBuf,
    /// What it has logged so far, as far as it was waited for.
    pub(crate) log: Vec<String>,
    lines: Receiver<String>,
    reader: Option<JoinHandle<()>>,
    master: Child,
    // Last: the directory goes when the processes are gone.
    _directory: TempDir,
}

impl Postfix {
    /// Starts a relay; `None`, told loudly, where Postfix or Cyrus SASL is not installed or this is not root.
    pub(crate) fn start() -> Option<Self> {
        let postconf = program_of_root("postfix")?.with_file_name("postconf");
        let saslpasswd = program_of_root("saslpasswd2")?;
        let daemons = built_in(&postconf, "daemon_directory");
        let owner = uid(&built_in(&postconf, "mail_owner"));
        // Somebody may take the free port before the relay does.
        (0..5).find_map(|_| Self::attempt(Path::new(&daemons), owner, &saslpasswd)).or_else(|| {
            panic!("five times a port that was free was taken, or Postfix does not start: see above");
        })
    }

    fn attempt(daemons: &Path, owner: u32, saslpasswd: &Path) -> Option<Self> {
        let (login, password) = ("recert", "correct horse");
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        // Its processes are not root's.
        fs::set_permissions(root, Permissions::from_mode(0o711)).unwrap();
        for name in ["etc/sasl", "data", "mail", "spool/pid"] {
            fs::create_dir_all(root.join(name)).unwrap();
        }
        for name in QUEUES {
            fs::create_dir(root.join("spool").join(name)).unwrap();
            chown(root.join("spool").join(name), Some(owner), None).unwrap();
        }
        chown(root.join("data"), Some(owner), None).unwrap();
        chown(root.join("mail"), Some(NOBODY), Some(NOBODY)).unwrap();
        let ca_pem = certificate(root);
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        // Postfix reads a file of the last second again and again, until it is sure that it is all there.
        fs::write(root.join("etc/main.cf"), main_cf(root)).unwrap();
        let written = fs::File::options().append(true).open(root.join("etc/main.cf")).unwrap();
        written.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        fs::write(root.join("etc/master.cf"), master_cf(port)).unwrap();
        let database = root.join("etc/sasl/sasldb2");
        let smtpd = format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {}\n",
            database.display()
        );
        fs::write(root.join("etc/sasl/smtpd.conf"), smtpd).unwrap();
        enroll(saslpasswd, &database, login, password);
        chown(&database, Some(owner), None).unwrap();

        // Postfix's own `postfix start` wants this configuration named in /etc/postfix; its master process does not.
        let mut master = Command::new(daemons.join("master"))
            .args(["-s", "-e", LIFE, "-c"])
            .arg(root.join("etc"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let output = BufReader::new(master.stdout.take().unwrap());
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let maildir = root.join("mail/inbox");
        let mut relay = Self {
            port,
            ca_pem,
            login,
            password,
            maildir,
            log: Vec::new(),
            lines,
            reader: Some(reader),
            master,
            _directory: directory,
        };
        relay.wait_for("daemon started", 1).then_some(relay)
    }

    /// Waits until this many deliveries into the maildir have been logged since the start, one per recipient.
    pub(crate) fn delivered(&mut self, deliveries: usize) {
        assert!(self.wait_for("status=sent (delivered to maildir)", deliveries), "{:#?}", self.log);
    }

    /// Whether the log comes to hold a text that often before the relay ends.
    fn wait_for(&mut self, text: &str, times: usize) -> bool {
        let deadline = Instant::now() + LIMIT;
        while self.log.iter().filter(|line| line.contains(text)).count() < times {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.log.push(line),
                Err(RecvTimeoutError::Disconnected) => return false,
                Err(RecvTimeoutError::Timeout) => panic!("no {text:?} within {LIMIT:?}: {:#?}", self.log),
            }
        }
        true
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // On this signal the master ends its own processes; a kill would leave them.
        let id = self.master.id().to_string();
        drop(Command::new("kill").args(["-TERM", &id]).status());
        drop(self.master.wait());
        // The log ends when the last of them has gone, and nobody writes into the directory any more.
        drop(self.reader.take().map(JoinHandle::join));
    }
}

/// The queue's directories, each its owner's.
const QUEUES: [&str; 13] = [
    "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "maildrop", "private",
    "public", "saved", "trace",
];

fn main_cf(root: &Path) -> String {
    let at = root.display();
    format!(
        "compatibility_level = 3.6
queue_directory = {at}/spool
data_directory = {at}/data
maillog_file = /dev/stdout
myhostname = {HOST}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
# Nothing goes outside: there is no transport for it, and master.cf has no client.
default_transport = error:5.1.2 this relay delivers nothing outside
relay_transport = $default_transport
local_transport = $default_transport
virtual_transport = virtual
virtual_mailbox_domains = {DOMAIN}
virtual_mailbox_base = {at}/mail
virtual_mailbox_maps = static:inbox/
virtual_mailbox_limit = 0
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
message_size_limit = 41943040
smtpd_error_sleep_time = 0
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = {at}/etc/relay.pem
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_path = smtpd
# Where Debian's build looks by itself; others are told.
cyrus_sasl_config_path = {at}/etc/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
"
    )
}

/// Service, type, private, unprivileged, chroot, wake-up, processes, command. Nothing is in a chroot.
fn master_cf(port: u16) -> String {
    format!(
        "127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
"
    )
}

/// An authority in a file of its own, whose path is returned, and the relay's key and certificate in another.
fn certificate(root: &Path) -> PathBuf {
    // Without names of their own, the relay's certificate would count as self-signed.
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "relay test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, HOST);
    let leaf = params.signed_by(&key, &authority).unwrap();
    let relay = root.join("etc/relay.pem");
    fs::write(&relay, key.serialize_pem() + &leaf.pem()).unwrap();
    fs::set_permissions(&relay, Permissions::from_mode(0o600)).unwrap();
    let path = root.join("ca.pem");
    fs::write(&path, authority.pem()).unwrap();
    path
}

/// Puts a login into the relay's own database.
fn enroll(saslpasswd: &Path, database: &Path, login: &str, password: &str) {
    let mut program = Command::new(saslpasswd)
        .args(["-p", "-c", "-u", HOST, "-f"])
        .args([database.as_os_str(), login.as_ref()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    program.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    assert!(program.wait().unwrap().success());
}

fn built_in(postconf: &Path, key: &str) -> String {
    text(Command::new(postconf).args(["-d", "-h", key]))
}

fn uid(user: &str) -> u32 {
    text(Command::new("id").args(["-u", user])).parse().unwrap()
}

fn text(command: &mut Command) -> String {
    String::from_utf8(finished(command).stdout).unwrap().trim().to_owned()
}
