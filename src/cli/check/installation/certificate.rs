//! Whether the API server trusts what is served, and for how long. Where the replicas make it themselves, the webhooks tell the
//! end of their authority; where nobody may read the Secret, the dry run shows whether it is trusted, and the metrics of the
//! replicas when it ends.

use std::time::{Duration, SystemTime};

use super::access::{Access, Kind, bytes};
use super::found::{Cure, Report};
use super::objects::secret_of;

const DAY: Duration = Duration::from_hours(24);
/// As the alerts tell it.
const SOON: Duration = Duration::from_hours(24 * 30);

pub(super) async fn check(access: &Access, bundle: Option<&[u8]>, report: &mut Report) {
    report.about("Certificate");
    let Some(name) = secret_of(access).await else {
        report.good("served", "the replicas make it themselves");
        // They renew it when a third of its life is left, so that an end is never near.
        let ends = bundle.and_then(|bundle| multipod_certs::listed(bundle).iter().map(|one| one.ends).max());
        if let Some(ends) = ends {
            days_left(ends.duration_since(SystemTime::now()).unwrap_or_default(), report);
        }
        return;
    };
    let chain = match access.own_one(Kind("v1", "Secret"), &name).await {
        Ok(Some(secret)) => bytes(&secret["data"]["tls.crt"]),
        Ok(None) => {
            let message = format!("there is no Secret {name}, so that no replica can start");
            return report.bad("served", message, Cure::CERTIFICATES);
        }
        Err(why) => return report.unseen("served", &why),
    };
    if chain.is_empty() {
        return report.bad("served", format!("the Secret {name} has no tls.crt"), Cure::CERTIFICATES);
    }
    let now = SystemTime::now();
    let host = format!("multipod.{}.svc", access.namespace);
    let judged = multipod_certs::end_of(&chain, now).and_then(|ends| {
        bundle.map_or(Ok(()), |bundle| multipod_certs::trusted(&chain, bundle, &[host], now)).map(|()| ends)
    });
    match judged {
        Err(why) => report.bad("served", format!("the Secret {name}: {why}"), Cure::CERTIFICATES),
        Ok(ends) => {
            if bundle.is_some() {
                report.good("served", format!("the Secret {name} is of the authority in the webhooks"));
            }
            days_left(ends.duration_since(now).unwrap_or_default(), report);
        }
    }
}

fn days_left(left: Duration, report: &mut Report) {
    let message = format!("in {} days", left.as_secs() / DAY.as_secs());
    if left < DAY {
        report.bad("ends", message, Cure::CERTIFICATES);
    } else if left < SOON {
        report.doubtful("ends", message, Cure::CERTIFICATES);
    } else {
        report.good("ends", message);
    }
}
