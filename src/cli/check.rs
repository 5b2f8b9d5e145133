//! `recert check`: everything that can be wrong before a review, each line ok or what to do.

mod roles;

use owo_colors::OwoColorize;

use super::mend::mend;
use super::open::{chosen, load};
use super::review::templates;
use super::{Outcome, Screen, World, amount, amount_of_people, open};
use crate::collect::Focus;
use crate::config::{Config, ConsoleTable, LastLogonTable, RosterTable, nearest};
use crate::daemon::Listen;
use crate::deliver::{FailureKind, RelayTls, probe};
use crate::job::Plan;
use crate::logon::LogRecord;
use crate::model::{CollectorRights, Depth, KNOWN_PRIVILEGES, LogonSource, Snapshot};
use crate::people::{Roster, RosterError};
use crate::report::ENDS_SOON;
use crate::review;
use crate::store::{Store, StoreError};
use crate::untrusted::visible;

/// Check the configuration and every console in it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
}

/// The lines so far, and whether one of them was a failure.
struct Lines<'a> {
    screen: &'a mut Screen,
    failed: bool,
}

impl Lines<'_> {
    fn ok(&mut self, what: &str) -> anyhow::Result<()> {
        Ok(self.screen.line(format!("{}    {what}", "ok".green()))?)
    }

    fn fail(&mut self, what: &str, mend: &str) -> anyhow::Result<()> {
        self.failed = true;
        self.screen.line(format!("{}  {what}", "fail".red().bold()))?;
        Ok(self.screen.line(format!("      {mend}"))?)
    }
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    templates(config.templates.as_deref())?;
    let consoles = chosen(&config, &[])?;
    let mut lines = Lines { screen, failed: false };
    lines.ok(&format!("configuration {}", arguments.config.config.display()))?;
    let mut listed = roles::Listed::new();
    for table in consoles {
        listed.add(console(table, world, &mut lines).await?);
        last_logons(table, world, &mut lines).await?;
    }
    roster(&config, world, &mut lines).await?;
    combinations(&config, &mut lines)?;
    listed.tell(&config, &mut lines)?;
    waivers(&config, world, &mut lines)?;
    relay(&config, &mut lines).await?;
    evidence(&config, &mut lines)?;
    jobs(&config, world, &mut lines)?;
    listener(&config, &mut lines)?;
    store(&config, &mut lines)?;
    directories(&config, &mut lines)?;
    Ok(if lines.failed { Outcome::Failed } else { Outcome::Done })
}

/// Password, connection and rights. The rights are found out as a review finds them: by a collection about one account.
/// Gives what was seen.
async fn console(
    table: &ConsoleTable,
    world: &World,
    lines: &mut Lines<'_>,
) -> anyhow::Result<Option<Snapshot>> {
    let name = format!("console {}", visible(&table.name));
    let mut sources = match open(vec![table]) {
        Ok(sources) => sources,
        Err(error) => {
            lines.fail(&format!("{error:#}"), "mend what the line above names")?;
            return Ok(None);
        }
    };
    lines.ok(&format!("{name}: password"))?;
    for source in &mut sources {
        source.options.focus = Focus::Login(table.username.clone());
        source.options.depth = Depth::Lean;
    }
    match review::collect(&sources, world.clock).await {
        Ok(snapshots) => {
            lines.ok(&format!("{name}: reached, trusted, credential accepted"))?;
            snapshots.iter().try_for_each(|snapshot| rights(&name, snapshot, lines))?;
            Ok(snapshots.into_iter().next())
        }
        Err(nothing) => {
            let mut failed = nothing.consoles.iter();
            failed.try_for_each(|(_, error)| lines.fail(&format!("{name}: {}", error.kind), &mend(error)))?;
            Ok(None)
        }
    }
}

fn rights(name: &str, snapshot: &Snapshot, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let login = visible(&snapshot.collector.login);
    match snapshot.collector.rights {
        CollectorRights::GlobalAdministrator => {
            lines.ok(&format!("{name}: {login} is a Global Administrator and sees everything"))
        }
        CollectorRights::Limited => lines.fail(
            &format!("{name}: {login} is no Global Administrator; every review would be incomplete"),
            "give the account the role Global Administrator: a weaker one sees a smaller world",
        ),
        CollectorRights::Unknown => lines.fail(
            &format!(
                "{name}: {login} is not among the users that it may list; every review would be incomplete"
            ),
            "use the login exactly as the console's user list shows it, with the role Global Administrator",
        ),
    }
}

/// Reads every source of last logons from its beginning, as the first review would.
async fn last_logons(table: &ConsoleTable, world: &World, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let Some(Ok(sources)) = table.last_logon.as_ref().map(LastLogonTable::sources) else { return Ok(()) };
    let name = format!("console {}: last logons", visible(&table.name));
    let now = (world.clock)();
    let reading = tokio::task::spawn_blocking(move || sources.read(LogRecord::default(), now)).await?;
    for evidence in &reading.evidence {
        let LogonSource { label, since, until, .. } = &evidence.source;
        let since = since.map_or_else(String::new, |since| format!(" from {}", since.format("%F %R UTC")));
        let count = evidence.accounts.len();
        lines.ok(&format!(
            "{name}: {}: {}{since} to {}",
            visible(label),
            amount(count as u64, "login"),
            until.format("%F %R UTC")
        ))?;
    }
    for note in &reading.notes {
        lines.screen.line(format!("      {}", visible(note)))?;
    }
    reading.errors.iter().try_for_each(|error| {
        let mend = "mend what the line above names; until then, reviews know no logons from this source";
        lines.fail(&format!("{name}: {}", visible(&error.to_string())), mend)
    })
}

/// Whether the roster can be read whole, and how many people it lists.
async fn roster(config: &Config, world: &World, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let Some(source) = config.roster.as_ref().and_then(RosterTable::source) else { return Ok(()) };
    match source.read((world.clock)()).await {
        Ok((roster, read)) => {
            lines.ok(&format!(
                "roster {}: {}",
                visible(&read.label),
                amount_of_people(roster.len() as u64)
            ))?;
            states(&roster, lines)
        }
        Err(error) => {
            let mend = match error {
                RosterError::Unavailable { .. } => "is it there, and readable by the user that runs recert?",
                RosterError::Malformed { .. } => "mend the export, or say in [roster] how it is written",
            };
            lines.fail(&error.to_string(), mend)
        }
    }
}

/// Words for people's state that the configuration does not explain: who has one may have left, and nobody is told.
fn states(roster: &Roster, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let unexplained = roster.unexplained();
    let words = unexplained.words.iter();
    let words = words.map(|(word, people)| format!("{:?} ({})", visible(word), amount_of_people(*people)));
    let words: Vec<String> = words.collect();
    let remark = match (words.len(), unexplained.others) {
        (0, _) => return Ok(()),
        (_, 0) => format!(
            "states that are not known: {}: add each to left or employed in [roster], or its people count as neither",
            words.join(", ")
        ),
        // Whatever these are, they are no states.
        (some, _) => format!(
            "more than {some} states that are not known: is [roster.columns] status the right column?"
        ),
    };
    Ok(lines.screen.line(format!("      {remark}"))?)
}

/// Privileges that further toxic combinations name and recert does not know. A newer console may have them: no mistake.
fn combinations(config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    for row in &config.analyzers.toxic_combination.combination {
        let unknown = |id: &&String| !KNOWN_PRIVILEGES.contains(&id.as_str());
        for id in row.all_of.iter().flatten().filter(unknown) {
            let what = format!("not a privilege that recert knows: {}", visible(id));
            let nearest = nearest(id, KNOWN_PRIVILEGES);
            lines.screen.line(format!("      toxic combination {}: {what}{nearest}", visible(&row.code)))?;
        }
    }
    Ok(())
}

/// How many waivers count, and which do not any more or not for long. None of that is a mistake: the review tells of it.
fn waivers(config: &Config, world: &World, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let now = (world.clock)();
    let waivers = &config.policy.waivers;
    let file = config.waiver_file.as_deref();
    if waivers.is_empty() && file.is_none() {
        return Ok(());
    }
    let active = waivers.iter().filter(|waiver| waiver.is_active(now)).count();
    lines.ok(&format!("waivers: {active} active, {} expired", waivers.len() - active))?;
    if let Some(file) = file.filter(|file| !file.exists()) {
        let what = "is not there yet; `recert waive` writes it";
        lines.screen.line(format!("      waiver_file {} {what}", file.display()))?;
    }
    let mut ending: Vec<_> = waivers.iter().filter(|waiver| waiver.days_left(now) <= ENDS_SOON).collect();
    ending.sort_by_key(|waiver| waiver.expires);
    for waiver in ending {
        let of = waiver.subject.as_deref().or(waiver.finding.as_deref()).unwrap_or_default();
        let when = match waiver.days_left(now) {
            ..0 => format!("expired on {}", waiver.expires),
            0 => format!("ends today, {}", waiver.expires),
            1 => format!("ends tomorrow, {}", waiver.expires),
            days => format!("ends on {}, in {days} days", waiver.expires),
        };
        let (place, rule) = (visible(&waiver.place), visible(&waiver.rule));
        lines.screen.line(format!("      {place}: {rule} for {}: {when}", visible(of)))?;
    }
    Ok(())
}

/// Connects to the relay and logs in, as for a mail; sends none.
async fn relay(config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let Some(smtp) = &config.smtp else { return Ok(()) };
    let relay = match smtp.relay() {
        Ok(relay) => relay,
        Err(error) => return lines.fail(&format!("smtp: {error}"), "mend what the line above names"),
    };
    if let Err(error) = relay.check() {
        return lines.fail(&format!("smtp: {error}"), "mend what the line above names");
    }
    let place = format!("{}:{}", visible(&relay.host), relay.port);
    match probe(&relay).await {
        Ok(()) if relay.login.is_some() => {
            lines.ok(&format!("smtp: {place}: reached, trusted, login accepted"))
        }
        Ok(()) => lines.ok(&format!(
            "smtp: {place}: reached{}",
            if relay.tls == RelayTls::None { "" } else { ", trusted" }
        )),
        Err(failure) => {
            let mend = match failure.kind {
                FailureKind::Configuration => "mend what the relay complains about",
                _ => "is the host name right, the port open, and tls as this port wants it?",
            };
            lines.fail(&told(&place, &failure.text), mend)
        }
    }
}

/// A failure with the relay's address, which the failure may begin with itself.
fn told(place: &str, failure: &str) -> String {
    if failure.starts_with(place) { format!("smtp: {failure}") } else { format!("smtp: {place}: {failure}") }
}

/// Whether evidence is signed, and the line that an auditor needs.
fn evidence(config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    match config.evidence.signing_key() {
        Ok(Some(key)) => {
            let public = key.public();
            lines.ok(&format!("evidence: signed by the key {}", public.id()))?;
            Ok(lines.screen.line(format!("      for the auditor, to check it with: {public}"))?)
        }
        Ok(None) => {
            let what =
                "evidence: unsigned, and linked all the same; [evidence] key names a key that signs it";
            Ok(lines.screen.line(format!("      {what}"))?)
        }
        Err(error) => lines
            .fail(&error.to_string(), "mend what the line above names; the daemon does not start without"),
    }
}

/// When each job runs next, and what its author may not expect of its schedule.
fn jobs(config: &Config, world: &World, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let now = (world.clock)();
    for job in Plan::jobs(config)? {
        let name = visible(&job.table.name);
        let Some(schedule) = &job.schedule else { continue };
        let next = schedule.next_after(now).map(|slot| slot.with_timezone(&schedule.zone()));
        let next = next.map_or_else(|| "never".to_owned(), |slot| slot.format("%F %R %Z").to_string());
        lines.ok(&format!("job {name}: runs next at {next}"))?;
        for warning in schedule.warnings(now) {
            lines.screen.line(format!("      {warning}"))?;
        }
    }
    Ok(())
}

/// Whether the daemon may listen where it is told to. Somebody who listens there now may be the daemon itself.
fn listener(config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let Some(listen) = &config.daemon.listen else { return Ok(()) };
    match listen.parse::<Listen>() {
        Ok(listen) => lines.ok(&format!("daemon: listens on {listen}")),
        Err(error) => lines.fail("daemon.listen", &error.to_string()),
    }
}

/// Whether the store can be opened, or created by the daemon.
fn store(config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let path = config.store.database();
    let what = format!("store {}", path.display());
    if config.job.iter().all(|job| job.schedule.is_none() && job.email.is_empty()) && !path.exists() {
        return Ok(());
    }
    match Store::open_existing(path) {
        Ok(_) => lines.ok(&what),
        Err(StoreError::Missing(_)) => lines.ok(&format!("{what}: the daemon creates it")),
        Err(error) => lines.fail(&format!("store: {error}"), "run this as the user that the daemon runs as"),
    }
}

/// Whether the directories of the jobs can be written.
fn directories(config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    for job in &config.job {
        for directory in &job.directory {
            let what = format!("job {}: directory {}", job.name, directory.path.display());
            match tempfile::tempfile_in(&directory.path) {
                Ok(_) => lines.ok(&what)?,
                Err(error) => {
                    lines.fail(
                        &format!("{what}: {error}"),
                        "create it, writable by the user that runs recert",
                    )?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn the_address_of_the_relay_is_told_once() {
        let place = "127.0.0.1:25";
        assert_eq!(told(place, "127.0.0.1:25: Connection refused"), "smtp: 127.0.0.1:25: Connection refused");
        assert_eq!(told(place, "535 no"), "smtp: 127.0.0.1:25: 535 no");
        assert_eq!(told(place, "127.0.0.1:25 is not this host"), "smtp: 127.0.0.1:25 is not this host");
    }
}
