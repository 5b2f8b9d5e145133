//! What systemd is told: ready, reloading, stopping, the status line, and that the loop lives. Without `NOTIFY_SOCKET` all of
//! it is nothing.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, io};

use sd_notify::NotifyState;

/// A status line is one line, of this many characters at most.
const STATUS: usize = 200;
/// How long a message waits for room in the manager's queue.
const PATIENCE: Duration = Duration::from_secs(1);

/// The way to the service manager. A message that cannot be delivered never stops the daemon.
#[derive(Debug, Default)]
pub struct Notify {
    told: AtomicBool,
}

impl Notify {
    /// The daemon is up; also the end of a reload.
    pub fn ready(&self) {
        self.send(&[NotifyState::Ready]);
    }

    /// What `systemctl status` shows.
    pub fn status(&self, text: &str) {
        // A line end would begin another assignment.
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(STATUS).collect();
        self.send(&[NotifyState::Status(&line)]);
    }

    /// The configuration is being read again; [`Notify::ready`] ends it, whether it was taken or not.
    pub fn reloading(&self) {
        // Since version 253 systemd wants the time with it, in the same message.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.send(&[NotifyState::Reloading, now]),
            Err(error) => self.tell(&error),
        }
    }

    /// The daemon is on its way out.
    pub fn stopping(&self) {
        self.send(&[NotifyState::Stopping]);
    }

    /// How often the loop should [`Notify::ping`]: at half of `WatchdogSec=`; none without one. A zero is none.
    pub fn watchdog() -> Option<Duration> {
        sd_notify::watchdog_enabled().map(|limit| limit / 2).filter(|interval| !interval.is_zero())
    }

    /// The loop lives. Only the loop may say so.
    pub fn ping(&self) {
        self.send(&[NotifyState::Watchdog]);
    }

    fn send(&self, states: &[NotifyState<'_>]) {
        if let Err(error) = deliver(states) {
            self.tell(&error);
        }
    }

    /// Once: a ping comes every few seconds.
    fn tell(&self, error: &io::Error) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(%error, "cannot notify the service manager; is NOTIFY_SOCKET right?");
        }
    }
}

/// As `sd_notify::notify`, which waits without end for a manager that does not read, and the whole daemon with it.
fn deliver(states: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(name) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&name)?,
    };
    let lines: Vec<_> = states.iter().map(ToString::to_string).collect();
    let message = lines.join("\n") + "\n";
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.send_to_addr(message.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc::{RecvTimeoutError, channel};

    use super::*;

    const CHILD: &str = "RECERT_TEST_NOTIFY";

    /// Runs this very test in a process of its own, with variables of its own; true if this is that process.
    fn in_a_child(name: &str, variables: &[(&str, &str)]) -> bool {
        if std::env::var_os(CHILD).is_some() {
            return true;
        }
        let name = format!("daemon::notify::tests::{name}");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_PID")
            .env_remove("WATCHDOG_USEC")
            .env(CHILD, "1")
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        false
    }

    #[test]
    fn each_message_is_what_systemd_reads() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "30000000")];
        if in_a_child("each_message_is_what_systemd_reads", &variables) {
            let notify = Notify::default();
            notify.status("0 of 3 jobs run");
            notify.ready();
            notify.reloading();
            notify.ready();
            notify.status(&format!("job a\nREADY=1\rSTOPPING=1\0{}", "x".repeat(1000)));
            assert_eq!(Notify::watchdog(), Some(Duration::from_secs(15)));
            notify.ping();
            notify.stopping();
            return;
        }
        let mut messages = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            messages.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
        }
        let (reloading, time) = messages
            .remove(2)
            .trim_end()
            .rsplit_once('=')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(reloading, "RELOADING=1\nMONOTONIC_USEC");
        assert!(time.parse::<u64>().unwrap() > 0, "{time}");
        let odd = format!(
            "STATUS=job a READY=1 STOPPING=1 {}\n",
            "x".repeat(STATUS - "job a READY=1 STOPPING=1 ".len())
        );
        let expected =
            ["STATUS=0 of 3 jobs run\n", "READY=1\n", "READY=1\n", &odd, "WATCHDOG=1\n", "STOPPING=1\n"];
        assert_eq!(messages, expected);
    }

    #[test]
    fn without_a_service_manager_nothing_happens() {
        if in_a_child("without_a_service_manager_nothing_happens", &[]) {
            let notify = Notify::default();
            notify.ready();
            notify.reloading();
            notify.ping();
            assert_eq!(Notify::watchdog(), None);
            assert!(!notify.told.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn a_service_manager_that_is_gone_stops_nothing() {
        let variables =
            [("NOTIFY_SOCKET", "/nonexistent/notify"), ("WATCHDOG_USEC", "1"), ("WATCHDOG_PID", "1")];
        if in_a_child("a_service_manager_that_is_gone_stops_nothing", &variables) {
            let notify = Notify::default();
            notify.ready();
            assert!(notify.told.load(Ordering::Relaxed));
            notify.ping();
            assert_eq!(Notify::watchdog(), None, "the watchdog of another process");
        }
    }

    #[test]
    fn a_manager_that_does_not_read_holds_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let variables = [("NOTIFY_SOCKET", path.to_str().unwrap())];
        if !in_a_child("a_manager_that_does_not_read_holds_nobody_up", &variables) {
            drop(socket);
            return;
        }
        // The parent's socket is never read: filled up here, it stays full.
        let address = env::var_os("NOTIFY_SOCKET").unwrap();
        let filler = UnixDatagram::unbound().unwrap();
        filler.set_nonblocking(true).unwrap();
        while filler.send_to(b"WATCHDOG=1", &address).is_ok() {}
        let (done, ended) = channel();
        std::thread::spawn(move || {
            Notify::default().ping();
            drop(done);
        });
        assert_eq!(ended.recv_timeout(PATIENCE * 30), Err::<(), _>(RecvTimeoutError::Disconnected));
    }
}
