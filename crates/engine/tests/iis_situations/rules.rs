//! What other people write into IIS's configuration.

/// What Microsoft's tools and EOMT look for since 7 October 2022.
pub const LOOKAHEADS: &str = "(?=.*autodiscover)(?=.*powershell)";

/// The input of the rules that hold.
pub const DECODED: &str = "{UrlDecode:{REQUEST_URI}}";

/// A `rules` section in the `rewrite` group.
pub fn rules(inner: &str) -> String {
    format!("<rewrite><rules>\n{inner}\n</rules></rewrite>")
}

/// A `globalRules` section in the `rewrite` group.
pub fn global(inner: &str) -> String {
    format!("<rewrite><globalRules>\n{inner}\n</globalRules></rewrite>")
}

/// An `outboundRules` section in the `rewrite` group.
pub fn outbound(inner: &str) -> String {
    format!("<rewrite><outboundRules>\n{inner}\n</outboundRules></rewrite>")
}

/// A web.config with this in its `system.webServer`.
pub fn web(inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n  <system.webServer>\n    \
         {inner}\n  </system.webServer>\n</configuration>\n"
    )
}

/// A web.config with this in a `<location>`.
pub fn web_location(attributes: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<configuration>\n  <location {attributes}>\n    \
         <system.webServer>{inner}</system.webServer>\n  </location>\n</configuration>\n"
    )
}

/// A rule that aborts requests whose `input` matches `pattern`.
pub fn abort(name: &str, input: &str, pattern: &str) -> String {
    abort_all(name, &[(input, pattern)])
}

/// A rule that aborts requests for which all conditions hold.
pub fn abort_all(name: &str, conditions: &[(&str, &str)]) -> String {
    rule(name, "stopProcessing=\"true\"", conditions, "type=\"AbortRequest\"")
}

/// A rule with its attributes, conditions, and the attributes of its action.
pub fn rule(name: &str, attributes: &str, conditions: &[(&str, &str)], action: &str) -> String {
    rule_for(".*", name, attributes, conditions, action)
}

/// The same for paths that match `url`.
pub fn rule_for(
    url: &str,
    name: &str,
    attributes: &str,
    conditions: &[(&str, &str)],
    action: &str,
) -> String {
    let condition = |(input, pattern): &(&str, &str)| {
        format!("<add input=\"{input}\" pattern=\"{pattern}\" />")
    };
    let conditions: String = conditions.iter().map(condition).collect();
    format!(
        "<rule name=\"{name}\" {attributes}>\n  <match url=\"{url}\" />\n  \
         <conditions>{conditions}</conditions>\n  <action {action} />\n</rule>"
    )
}

/// A rule that does what M1 does, but for line feeds.
pub fn m1(name: &str) -> String {
    abort(name, DECODED, LOOKAHEADS)
}

/// A rule that lets every request pass and ends the processing.
pub fn everything_passes(name: &str) -> String {
    rule(name, "stopProcessing=\"true\"", &[], "type=\"None\"")
}

/// An outbound rule for a response header.
pub fn outbound_rule(name: &str, precondition: &str, header: &str, value: &str) -> String {
    let precondition = if precondition.is_empty() {
        String::new()
    } else {
        format!(" preCondition=\"{precondition}\"")
    };
    format!(
        "<rule name=\"{name}\"{precondition}>\n  <match serverVariable=\"RESPONSE_{header}\" \
         pattern=\"(.*)\" />\n  <action type=\"Rewrite\" value=\"{value}\" />\n</rule>"
    )
}

/// A precondition for which all of this holds.
pub fn precondition(name: &str, conditions: &[(&str, &str)]) -> String {
    let condition = |(input, pattern): &(&str, &str)| {
        format!("<add input=\"{input}\" pattern=\"{pattern}\" />")
    };
    let conditions: String = conditions.iter().map(condition).collect();
    format!(
        "<preConditions><preCondition name=\"{name}\">{conditions}</preCondition></preConditions>"
    )
}
