//! The delivering half of `recert review --deliver`: the store, the job's run, and its way to the recipients.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Mistake, Screen, World};
use crate::config::Config;
use crate::job::{Host, Plan, PlannedJob, complete};
use crate::model::Snapshot;
use crate::report::Report;
use crate::store::{Channel, Ownership, OwnershipError, Parcel, ParcelState, Store};
use crate::untrusted::visible;

/// Everything that a delivery needs, tried before a console is asked.
pub(super) struct Delivery {
    plan: Arc<Plan>,
    job: PlannedJob,
    host: Host,
}

impl Delivery {
    /// Tries the plan and opens the store.
    pub(super) fn prepare(config: &Config, job: &str, world: &World) -> anyhow::Result<Self> {
        let plan = Arc::new(Plan::make(config.clone())?);
        let job = plan.job(job).filter(|job| !job.table.directory.is_empty() || !job.table.email.is_empty());
        let nobody =
            || Mistake("the job names no [[job.email]] and no [[job.directory]] to deliver to".to_owned());
        let job = job.cloned().ok_or_else(nobody)?;
        let store = Store::open(config.store.database(), (world.clock)())?;
        let host = Host::new(store, config.store.home(), world.clock);
        Ok(Self { plan, job, host })
    }

    /// The store that the run is kept in.
    pub(super) fn store(&self) -> &Store {
        &self.host.store
    }

    /// Makes the report, finishes the run in the store, and delivers unless a daemon does. Says whether all arrived, or is
    /// in the daemon's hands.
    pub(super) async fn deliver(
        self,
        snapshots: Vec<Snapshot>,
        screen: &mut Screen,
    ) -> anyhow::Result<(Arc<Report>, bool)> {
        let report = complete(&self.host, &self.plan, &self.job, None, snapshots).await?;
        let store = &self.host.store;
        let delivered = match Ownership::take(&self.host.home) {
            Ok(_owner) => {
                store.recover((self.host.clock)()).await?;
                let courier = self.plan.courier(&self.host, CancellationToken::new());
                for channel in Channel::ALL {
                    courier.post_due(channel).await?;
                }
                let all = store.outbox(true).await?;
                let own = |parcel: &&Parcel| parcel.run.as_ref() == Some(&report.run.id);
                let arrived: Vec<bool> = all.iter().filter(own).map(|parcel| tell(parcel, screen)).collect();
                arrived.into_iter().all(|arrived| arrived)
            }
            Err(OwnershipError::Taken { .. }) => {
                screen.remark("the daemon that runs here delivers; `recert outbox` shows how far it is");
                true
            }
            Err(error) => return Err(error.into()),
        };
        self.host.store.close().await;
        Ok((report, delivered))
    }
}

/// Says what became of a parcel, and whether it arrived.
fn tell(parcel: &Parcel, screen: &mut Screen) -> bool {
    let recipient = visible(&parcel.recipient);
    if parcel.state == ParcelState::Accepted {
        screen.remark(format!("delivered to {recipient}"));
        return true;
    }
    let answer = parcel.last_reply.as_deref().unwrap_or_default();
    screen.error(&format!("not delivered to {recipient} ({}): {answer}", parcel.state.as_str()));
    if !parcel.state.is_settled() {
        screen.remark("it stays in the outbox; the daemon tries again, `recert outbox` shows it");
    }
    false
}
