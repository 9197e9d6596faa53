//! nginx: what its configuration says, and our includes in it.

mod files;
mod place;
mod reach;
mod real;
mod sites;

use stopgap_webserver::RuleText;

use crate::config_files::{Machine, nginx_text};

pub(super) const MAIN: &str = "/etc/nginx/nginx.conf";

pub(super) fn all() -> RuleText {
    nginx_text(
        "map $request_uri $stopgap_a { default \"\"; \"~x\\x7D\" 1; }\n",
        "if ($stopgap_a) { return 444; }\n",
        "proxy_set_header x-y \"\";\ngrpc_set_header x-y \"\";\n",
    )
}

/// A main file with what is in its http block.
pub(super) fn main_with(http: &str) -> Machine {
    Machine::nginx(&[(MAIN, &format!("events {{}}\nhttp {{\n{http}}}\n"))])
}

pub(super) const DISTRIBUTION: &[(&str, &str)] = &[
    (
        MAIN,
        "user www;\ninclude modules/*.conf;\n\nhttp {\n\ttypes_hash_max_size 2048;\n\n\tinclude /etc/nginx/sites-enabled/*;\n}\n",
    ),
    ("/etc/nginx/modules/50.conf", "load_module modules/ngx_stream_module.so;\n"),
    (
        "/etc/nginx/sites-available/shop",
        "# the shop\nserver {\n    listen 443 ssl http2;\n    listen [::]:443 ssl http2;\n    server_name shop.example www.shop.example;\n    location / {\n        proxy_pass http://127.0.0.1:8080;\n        proxy_set_header Host $host;\n    }\n}\nserver { return 301 https://$host$request_uri; }\n",
    ),
];

pub(super) fn distribution() -> Machine {
    Machine::nginx(DISTRIBUTION)
        .link("/etc/nginx/sites-enabled/shop", "/etc/nginx/sites-available/shop")
}

/// Three sites, each in a file of its own.
pub(super) fn three_sites() -> Machine {
    let site = |name: &str| format!("server {{\n  listen 80;\n  server_name {name};\n}}\n");
    let mut machine = main_with("  include sites/*;\n");
    for name in ["a", "b", "c"] {
        machine.files.insert(format!("/etc/nginx/sites/{name}"), site(name).into_bytes());
    }
    machine
}
