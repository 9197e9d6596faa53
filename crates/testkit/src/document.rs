//! A mitigation document for tests of web servers.

/// The mitigation `WEB`, whose one action denies what has `stopgap-probe` in its decoded target, as `deny`
/// says (`"abort"`, with its quotes, or `{ status = 403 }`). A live probe for `passes` must pass.
#[must_use]
pub fn denying(deny: &str, passes: &str) -> String {
    format!(
        r#"
schema = 1
id = "WEB"
revision = 1
title = "A test of web servers"
severity = "high"
impact = "None."

[[action]]
id = "WEB.1"
kind = "block-request"
deny = {deny}
when = [{{ field = "uri", decode = ["url"], contains = "stopgap-probe" }}]

[[probe]]
name = "marker"
live = true
request = "GET /stopgap-%70robe"
expect = "blocked"

[[probe]]
name = "ordinary"
live = true
request = "GET {passes}"
expect = "allowed"
"#
    )
}
