//! The files of a Unix server under a folder, such as a mounted disk.
#![cfg(unix)] // the files of Unix servers
#![allow(clippy::expect_used, reason = "helpers of tests may say plainly what they expect")]

use std::os::unix::fs::symlink;

use stopgap_host::{Files as _, FsError, Read, ReplaceError, WebServers as _};
use stopgap_model::web::WebKind;
use stopgap_model::{Digest, Fact, ServerPath};
use stopgap_testkit::Tree;

fn path(text: &str) -> ServerPath {
    ServerPath::new(text)
}

fn tree(files: &[(&str, &str)]) -> Tree {
    let tree = Tree::empty();
    for (name, text) in files {
        let file = tree.root().join(name);
        std::fs::create_dir_all(file.parent().expect("it has a folder")).expect("created");
        std::fs::write(file, text).expect("written");
    }
    tree
}

#[test]
fn what_was_made_is_replaced_and_removed_and_nothing_else_changes() {
    let tree = tree(&[("etc/nginx/nginx.conf", "http {}")]);
    let before = tree.snapshot();
    let host = tree.host();
    let new = path("/etc/nginx/stopgap.conf");
    assert_eq!(host.create(&new, b"one"), Ok(()));
    assert_eq!(host.replace(&new, Digest::of(b"one"), b"two"), Ok(()));
    assert_eq!(host.read(&new, 10), Read::Found(b"two".to_vec()));
    assert_eq!(host.remove(&new, Digest::of(b"two")), Ok(()));
    assert_eq!(host.read(&new, 10), Read::Absent);
    assert_eq!(tree.snapshot(), before);
}

#[test]
fn case_counts_on_unix_and_not_on_windows() {
    let tree = tree(&[("etc/A.conf", "a"), ("C/web.config", "w")]);
    let host = tree.host();
    assert_eq!(host.read(&path("/etc/a.conf"), 10), Read::Absent);
    assert_eq!(host.read(&path(r"c:\WEB.config"), 10), Read::Found(b"w".to_vec()));
}

#[test]
fn a_link_out_of_the_disk_stays_on_the_disk() {
    let tree = tree(&[("etc/passwd", "the disk's")]);
    symlink("/etc/passwd", tree.root().join("etc/link")).expect("linked");
    let host = tree.host();
    assert_eq!(host.read(&path("/etc/link"), 100), Read::Found(b"the disk's".to_vec()));
    assert_eq!(host.real_path(&path("/etc/link")), Ok(path("/etc/passwd")));
    assert_eq!(host.real_path(&path("/none/x")), Ok(path("/none/x")));
    assert_eq!(host.glob("/etc/l*"), Ok(vec![path("/etc/link")]));
    assert!(host.glob("etc/*").is_err_and(|why| !why.to_string().ends_with('.')));
}

#[test]
fn no_file_is_made_on_a_drive_of_windows() {
    let host = tree(&[]).host();
    let made = host.create(&path(r"C:\x"), b"");
    assert!(matches!(made, Err(ReplaceError::Fs(FsError::BadName { .. }))));
}

#[test]
fn what_is_installed_on_a_disk_is_told_without_running_it() {
    let nginx = "\0nginx version: nginx/1.22.1\n\0\
        configure arguments: --prefix=/srv/www --with-http_ssl_module\0";
    let status = "Package: apache2\nStatus: install ok installed\nVersion: 2.4.71-1~deb12u1\n";
    let tree = tree(&[
        ("usr/sbin/nginx", nginx),
        ("etc/nginx/nginx.conf", ""),
        ("usr/sbin/apache2", "#!/bin/sh\ntouch /tmp/run\n"),
        ("etc/apache2/apache2.conf", ""),
        ("etc/apache2/envvars", "export APACHE_RUN_DIR=/var/run/apache2$SUFFIX\n"),
        ("usr/sbin/haproxy", ""),
        ("var/lib/dpkg/status", status),
    ]);
    let servers = tree.host().web_servers();
    let kinds: Vec<WebKind> = servers.iter().map(|server| server.kind).collect();
    assert_eq!(kinds, [WebKind::Nginx, WebKind::Apache], "HAProxy has no configuration");
    let version = |text: &str| Fact::Known(text.parse().expect("a version"));
    assert_eq!(servers[0].version, version("1.22.1"));
    assert_eq!(servers[0].base, path("/srv/www"));
    assert_eq!(servers[1].version, version("2.4.71"));
    assert_eq!(servers[1].variables["APACHE_RUN_DIR"], "/var/run/apache2");
    assert_eq!(servers[1].id().as_str(), "apache:/etc/apache2/apache2.conf");
    assert!(matches!(servers[1].modules, Fact::Unknown(_)));
    assert!(matches!(servers[0].running, Fact::Unknown(_)));
}
