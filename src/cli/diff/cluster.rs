//! `multipod diff --cluster`: which workloads of a cluster would change with other policies.

use std::process::ExitCode;

use crate::cluster::Reach;

use super::super::color::Styles;
use super::super::context::{ContextArgs, policies};
use super::super::live::{given, in_force, wait};
use super::super::output;
use super::super::report::{self, Failure, both};
use super::unified::unified;

/// Prints each as soon as it is known: of a large cluster no more than a page is held.
pub(super) fn diff(context: &ContextArgs, reach: &Reach) -> Result<ExitCode, Failure> {
    let (namespace, policy_dir, config) = context.of_cluster();
    let Some(folder) = policy_dir else {
        return Err(Failure::one("name the policies to compare with: --policy-dir DIR"));
    };
    let ((_, files), given) = both(policies(folder), given(None, config))?;
    let styles = Styles::of_output();
    let mut failed = None;
    let (seen, changed) = wait(async {
        let (reader, in_force) = in_force(reach, given).await?;
        let then = in_force.with(&files);
        reader
            .changes(&in_force.known, &then, namespace, |namespace, changed| {
                let name = format!("{namespace}/{}", changed.title);
                let text = unified(&name, &changed.now, &changed.then, styles);
                if let Err(failure) = output::print(&text, ExitCode::SUCCESS) {
                    failed.get_or_insert(failure);
                }
            })
            .await
    })?;
    if let Some(failure) = failed {
        return Err(failure);
    }
    let plural = if seen == 1 { "" } else { "s" };
    report::note(&format!("{changed} of {seen} workload{plural} would change"));
    Ok(ExitCode::from(u8::from(changed > 0)))
}
