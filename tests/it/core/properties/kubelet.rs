//! How the kubelet expands `$(NAME)` in commands, arguments and variables: `$$` is a dollar, and so is any other `$`.

/// The text that a program gets; every reference is replaced by what `value` says.
pub fn expand(text: &str, value: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let name = rest.strip_prefix('(').and_then(|inside| inside.split_once(')'));
        if let Some(behind) = rest.strip_prefix('$') {
            out.push('$');
            rest = behind;
        } else if let Some((name, behind)) = name {
            out.push_str(&value(name));
            rest = behind;
        } else {
            out.push('$');
        }
    }
    out + rest
}

/// The variables that a text refers to.
pub fn references(text: &str) -> Vec<String> {
    let names = std::cell::RefCell::new(Vec::new());
    expand(text, |name| {
        names.borrow_mut().push(name.to_owned());
        String::new()
    });
    names.into_inner()
}

#[test]
fn only_what_is_not_doubled_is_expanded() {
    for (text, expected) in [
        ("a$(X)b", "a<X>b"),
        ("a$$(X)b", "a$(X)b"),
        ("a$$$(X)b", "a$<X>b"),
        ("a$$$$(X)", "a$$(X)"),
        ("$", "$"),
        ("$$", "$"),
        ("$x $(open", "$x $(open"),
    ] {
        assert_eq!(expand(text, |name| format!("<{name}>")), expected, "{text}");
    }
}
