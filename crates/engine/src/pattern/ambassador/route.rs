//! The routes of one ambassador, with targets that are known.

use std::borrow::Cow;

use crate::annotation::Problem;
use crate::pattern::Context;
use crate::pattern::change::{self, Destination};
use multipod_values::Host;

use super::request::{self, Request, Target};

/// A route whose target is known.
pub(super) struct Route<'r> {
    pub(super) listen: u16,
    pub(super) to: To<'r>,
    pub(super) request: &'r request::Route,
}

/// Where a route leads.
pub(super) enum To<'r> {
    /// The app's own port.
    App(u16),
    /// A name or address outside the pod.
    Outside { host: Cow<'r, str>, is_name: bool, port: u16 },
    /// The user's own configuration knows.
    OwnConfig,
}

impl Route<'_> {
    /// Only the pod itself may use a way out.
    pub(super) fn on_loopback(&self) -> bool {
        matches!(self.to, To::Outside { .. })
    }

    /// The route as the plan keeps it.
    pub(super) fn planned(self, request: &Request) -> change::Route {
        let to = match self.to {
            To::App(port) => Destination::App(port),
            To::Outside { host, port, .. } => {
                Destination::Outside { host: Cow::Owned(host.into_owned()), port }
            }
            To::OwnConfig => Destination::OwnConfig(request.config.clone().unwrap_or_default().into()),
        };
        change::Route { listen: self.listen, to }
    }
}

pub(super) fn resolve<'r>(
    request: &'r Request,
    context: &Context<'r>,
) -> Result<Vec<Route<'r>>, Vec<Problem>> {
    let mut routes = Vec::with_capacity(request.routes.len());
    let mut problems = Vec::new();
    for route in &request.routes {
        match target(route.target.as_ref(), route.listen.get(), context) {
            Ok(to) => routes.push(Route { listen: route.listen.get(), to, request: route }),
            Err(expected) => problems.push(wrong(route, expected)),
        }
    }
    if problems.is_empty() { Ok(routes) } else { Err(problems) }
}

fn wrong(route: &request::Route, expected: String) -> Problem {
    let problem = Problem::new(route.span, expected);
    match &route.target {
        Some(Target::Upstream(name)) => Problem {
            example: Some(request::UPSTREAM_EXAMPLE.into()),
            ..problem.summary(format!("@{name} is not an upstream here"))
        },
        _ => problem,
    }
}

fn target<'r>(target: Option<&'r Target>, listen: u16, context: &Context<'r>) -> Result<To<'r>, String> {
    let outside = |host: Cow<'r, str>, is_name, port| To::Outside { host, is_name, port };
    match target {
        None => Ok(To::OwnConfig),
        Some(Target::App(port)) => Ok(To::App(port.get())),
        Some(Target::Host(host, port)) => {
            let complete = host.complete(context.namespace, &context.settings.cluster_domain);
            Ok(outside(complete, matches!(host, Host::Name(_)), port.map_or(listen, std::num::NonZero::get)))
        }
        Some(Target::Upstream(name)) => {
            let (host, port) = context.upstreams.resolve(name)?;
            let complete = host.complete(context.namespace, &context.settings.cluster_domain);
            Ok(outside(complete, matches!(host, Host::Name(_)), port.get()))
        }
    }
}
