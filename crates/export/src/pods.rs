//! The match conditions of an exported policy: pods that have not opted out, and without an obstacle.

use multipod_engine::annotation::Key;
use multipod_engine::annotation::key::STATUS;
use multipod_engine::pod::view::OWN_NAMES;
use multipod_engine::pod::windows::{BUILD, OS, WINDOWS};
use multipod_engine::policy::{Mode, Policy};

use multipod_guard::{Admission, cel};

use super::fixed::{Fixed, Ports};
use super::patch::ANNOTATIONS;

/// Conditions of the policy, and the patch for pods that they cannot tell from others: conditions know no namespace.
pub(super) fn only_those_that_get_it(
    policy: &Policy,
    fixed: &Fixed,
    admission: &mut Admission,
    patch: String,
) -> String {
    admission.condition("has-nothing-of-multipod", has_nothing(fixed));
    admission.condition("is-not-for-windows", is_not_for_windows());
    admission.condition("has-no-resources-as-a-whole", "!has(object.spec.resources)");
    if !fixed.ports.are_none() {
        admission.condition("has-a-network-of-its-own", "!object.spec.?hostNetwork.orValue(false)");
        admission.condition("has-none-of-the-ports", has_none_of(&fixed.ports));
    }
    let mut needed = Vec::new();
    if fixed.containers.is_empty() {
        // Then there may be nothing to add, and nothing to record.
        needed.push("size(variables.newAnnotations) > 0".to_owned());
    }
    if policy.mode == Mode::Default {
        admission.condition("does-not-decide-itself", leaves_it(ANNOTATIONS));
        needed.push(leaves_it("variables.ofNamespace"));
    }
    if needed.is_empty() { patch } else { format!("{} ? {patch} : []", cel::all(&needed)) }
}

/// So nothing is added twice, whoever asks again.
fn has_nothing(fixed: &Fixed) -> String {
    let own = cel::text(OWN_NAMES);
    let mut nothing = vec![format!("!({} in {ANNOTATIONS})", cel::text(STATUS))];
    if !fixed.containers.is_empty() {
        for list in ["object.spec.containers", "object.spec.?initContainers.orValue([])"] {
            nothing.push(format!("!{list}.exists(c, c.name.startsWith({own}))"));
        }
    }
    let volumes: Vec<&str> = fixed.volume_names().collect();
    if !volumes.is_empty() {
        nothing
            .push(format!("!object.spec.?volumes.orValue([]).exists(v, v.name in {})", cel::list(volumes)));
    }
    cel::all(&nothing)
}

/// As multipod itself tells it.
fn is_not_for_windows() -> String {
    let (windows, build, os) = (cel::text(WINDOWS), cel::text(BUILD), cel::list(OS));
    let labels = "object.spec.?nodeSelector.orValue({})";
    let terms = "object.spec.?affinity.?nodeAffinity.?requiredDuringSchedulingIgnoredDuringExecution.?nodeSelectorTerms.orValue([])";
    let values = "e.?values.orValue([])";
    let demands = format!(
        "(e.operator == \"In\" && e.key in {os} && size({values}) > 0 && {values}.all(v, v == {windows})) || \
         (e.operator in [\"In\", \"Exists\"] && e.key == {build})"
    );
    format!(
        "!(object.spec.?os.?name.orValue(\"\") == {windows} || \
         {os}.exists(label, {labels}[?label].orValue(\"\") == {windows}) || {build} in {labels} || \
         (size({terms}) > 0 && {terms}.all(t, t.?matchExpressions.orValue([]).exists(e, {demands}))))"
    )
}

/// Of all that run beside each other.
fn has_none_of(ports: &Ports) -> String {
    let is = |field: &str, (number, protocol): &(u16, String)| {
        let protocols = if protocol == "TCP" { cel::list(["", "TCP"]) } else { cel::list([&**protocol]) };
        format!("(p.?{field}.orValue(0) == {number} && p.?protocol.orValue(\"\") in {protocols})")
    };
    let mut taken: Vec<String> = ports.taken.iter().map(|port| is("containerPort", port)).collect();
    taken.extend(ports.on_node.iter().map(|port| is("hostPort", port)));
    if !ports.names.is_empty() {
        let names = cel::list(ports.names.iter().map(String::as_str));
        taken.push(format!("p.?name.orValue(\"\") in {names}"));
    }
    let taken = taken.join(" || ");
    format!(
        "!(object.spec.containers + object.spec.?initContainers.orValue([]).filter(c, c.?restartPolicy.orValue(\"\") == \
         \"Always\")).exists(c, c.?ports.orValue([]).exists(p, {taken}))"
    )
}

/// That annotations neither ask for the key nor decline it. What declines other keys is told word by word; whatever else
/// stands there may decline this one.
fn leaves_it(annotations: &str) -> String {
    let others: Vec<&str> = Key::ALL
        .into_iter()
        .filter(|key| !matches!(key, Key::OptOut | Key::Patterns))
        .map(Key::name)
        .collect();
    let words = format!("^[\\s,]*((?:{})([\\s,]+|$))*$", others.join("|"));
    let opt_out = format!("{annotations}[?{}].orValue(\"\")", cel::text(Key::OptOut.full()));
    format!(
        "!({} in {annotations}) && {opt_out}.matches({})",
        cel::text(Key::Patterns.full()),
        cel::text(&words)
    )
}
