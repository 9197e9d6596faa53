//! Files that cannot be read, are broken, encrypted, elsewhere.

use crate::documents::word;
use crate::rules::{abort, m1, rules, web};
use crate::server::{AUTODISCOVER, ECP, HOST, IN_LOCATION, ROOT, server};
use crate::situation::{Situation, m1_on, on};

const REWRITE: &str = r"C:\inetpub\wwwroot\rewrite.config";
const OWA_SCOPE: &str = "{ site = \"Default Web Site\", path = \"/owa\" }";

pub fn table() -> Vec<Situation> {
    let mut table = unreadable();
    table.extend(unreadable_above());
    table.extend(broken());
    table.extend(elsewhere());
    table
}

fn utf16(text: &str) -> Vec<u8> {
    let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn unreadable() -> Vec<Situation> {
    let in_one = |name, server| {
        m1_on(name, server)
            .finds("pending", &["is affected"])
            .at(IN_LOCATION)
            .becomes("unknown")
            .because(&["installed", "/ecp", "not known"])
            .then(HOST, "Stopgap M1.1", 1)
    };
    vec![
        in_one("one application's web.config is not well-formed", {
            server().file(ECP, "<configuration><system.webServer></configuration>")
        }),
        in_one("one application's web.config is in UTF-16", {
            let text = web("<httpRedirect enabled=\"false\" />");
            server().bytes(ECP, utf16(&text.replace("utf-8", "utf-16")))
        })
        .because(&["UTF-16"]),
        in_one("one application's web.config may not be read", server().denied(ECP))
            .because(&["access is denied"]),
        in_one("the rules of one application are encrypted", {
            let rules = "<rewrite><rules configProtectionProvider=\"RsaProvider\">\
                         <EncryptedData /></rules></rewrite>";
            server().file(ECP, web(rules))
        })
        .because(&["encrypted"]),
        on(
            "an unreadable file beside the scope is of no concern",
            server().denied(ECP),
            word("W", OWA_SCOPE, "jndi"),
        )
        .finds("pending", &["every server"])
        .becomes("applied"),
    ]
}

fn unreadable_above() -> Vec<Situation> {
    let lost = "<virtualDirectory path=\"/lost\" physicalPath=\"%EXCHANGE_DATA%\\lost\" />";
    let root = "<virtualDirectory path=\"/\" physicalPath=\"%SystemDrive%\\inetpub\\wwwroot\" />";
    vec![
        m1_on(
            "the site's own web.config is not well-formed",
            server().file(ROOT, "<configuration>"),
        )
        .finds("unknown", &["web.config", "well-formed"]),
        m1_on("the site's own web.config may not be read", server().denied(ROOT))
            .finds("unknown", &["access is denied"]),
        m1_on("the site's own rules are encrypted", {
            let rules = "<rewrite><rules configProtectionProvider=\"RsaProvider\">\
                         <EncryptedData /></rules></rewrite>";
            server().file(ROOT, web(rules))
        })
        .finds("unknown", &["encrypted"]),
        m1_on("applicationHost.config is cut off", {
            server().without_iis().bytes(HOST, b"<configuration><system.app".to_vec())
        })
        .finds("unknown", &["applicationHost.config"]),
        m1_on("a virtual directory of a folder that nobody knows", {
            server().host_edit(root, &format!("{root}{lost}"))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("unknown")
        .because(&["installed", "/lost", "EXCHANGE_DATA"]),
    ]
}

fn broken() -> Vec<Situation> {
    let twice = || {
        let one = abort("twice", "{HTTP_USER_AGENT}", "badbot");
        web(&rules(&format!("{one}\n{one}")))
    };
    let in_one = |name, server| {
        m1_on(name, server)
            .finds("pending", &["is affected"])
            .at(IN_LOCATION)
            .notes(&["not for", "500.19"])
            .becomes("partial")
            .because(&["installed", "500.19"])
    };
    vec![
        m1_on("two rules of one name at the site's root are 500.19 before us", {
            server().file(ROOT, twice())
        })
        .finds("conflict", &["500.19", "\"twice\"", "web.config"]),
        in_one("two rules of one name in one application leave the others to be protected", {
            server().file(ECP, twice())
        })
        .because(&["/ecp", "\"twice\""]),
        in_one("the application that is attacked answers 500.19 before us", {
            server().file(AUTODISCOVER, twice())
        })
        .because(&["/autodiscover"]),
        in_one("a rule in the file that nested applications share is there twice for them", {
            let one = abort("once", "{HTTP_USER_AGENT}", "badbot");
            server().file(crate::server::OWA, web(&rules(&one)))
        })
        .because(&["/owa/", "\"once\""]),
        m1_on("rules that lock their elements are not understood, and left alone", {
            let locking = "<rewrite><rules lockElements=\"rule\"></rules></rewrite>";
            server().file(ROOT, web(locking))
        })
        .finds("unknown", &["lockElements"]),
    ]
}

fn elsewhere() -> Vec<Situation> {
    let source = |name: &str| format!("<rewrite><rules configSource=\"{name}\" /></rewrite>");
    let held = |inner: &str| format!("<rules>\n{inner}\n</rules>\n");
    vec![
        m1_on("the root's rules are in a file of their own, and ours stands above", {
            let own = abort("his own", "{HTTP_USER_AGENT}", "badbot");
            server().file(ROOT, web(&source("rewrite.config"))).file(REWRITE, held(&own))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("applied"),
        m1_on("a rule in a file of its own protects like any other", {
            server().file(ROOT, web(&source("rewrite.config"))).file(REWRITE, held(&m1("apart")))
        })
        .finds("covered", &["`apart`"]),
        m1_on("the root's rules are in a file that clears what it inherits", {
            server().file(ROOT, web(&source("rewrite.config"))).file(REWRITE, held("<clear />"))
        })
        .finds("unsupported", &["drops what is inherited", "rewrite.config"]),
        on(
            "the same for a rule without probes",
            {
                server().file(ROOT, web(&source("rewrite.config"))).file(REWRITE, held("<clear />"))
            },
            crate::documents::cookie(),
        )
        .finds("unsupported", &["drops what is inherited", "rewrite.config"]),
        m1_on("the file with the root's rules is not there", {
            server().file(ROOT, web(&source("rewrite.config")))
        })
        .finds("unknown", &["rewrite.config", "not there"]),
        m1_on("the file with the root's rules would be outside of the folder", {
            server().file(ROOT, web(&source(r"..\rewrite.config")))
        })
        .finds("unknown", &["configSource", r"..\rewrite.config"]),
        m1_on("the rules of our location are in another file, and ours goes to the web.config", {
            server()
                .location("path=\"Default Web Site\"", &source("rewrite.config"))
                .file(r"C:\Windows\System32\inetsrv\config\rewrite.config", held(""))
        })
        .finds("pending", &["is affected"])
        .at("web.config, at its root")
        .notes(&["rewrite.config"])
        .becomes("applied")
        .replacing(&[ROOT]),
        m1_on("one application's rules file is missing, and the others are protected", {
            server().file(AUTODISCOVER, web(&source("rewrite.config")))
        })
        .finds("pending", &["is affected"])
        .at(IN_LOCATION)
        .becomes("unknown")
        .because(&["installed", "/autodiscover", "rewrite.config"]),
    ]
}
